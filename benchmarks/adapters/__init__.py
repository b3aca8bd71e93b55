"""One module a subject: how each of the measured libraries does the same work, as its own documentation says.

A module imports its library in ``configure`` only, so that the import can be measured. It offers any of these functions; a work whose
function is missing is "not offered":

- ``configure(endpoint, log_file, sampled=True)``: set all signals up, to be sent to an OTLP/HTTP endpoint.
- ``span(number)``: one span with the eight attributes of ``attributes_of``; ``span_with(attributes)``: one span with these.
- ``measure(attributes)``: add 1 to the counter ``bench.count``, record a value of the histogram ``bench.time``.
- ``line(number)``: one structlog line with three fields, to the file and over OTLP.
- ``execution(number)``: one agent execution: two nested spans, four metric points at least, one log line, cost.
- ``memory(number)``, ``session(number)``, ``errors()``: what only ours has, for the targets of the concept.
- ``flush()``: send everything made so far.

``SPAN`` is the name of its plain span, ``EXECUTION_SPANS`` those of an execution; ``LACKS`` says what it cannot send of
what an execution has.
"""
