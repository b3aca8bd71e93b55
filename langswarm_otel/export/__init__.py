"""From ended spans, log records and collected metrics to their destinations: queue, workers, exporters, accounting.

Usable alone, on the SDK's public processor and exporter interfaces. The way of a record::

    QueueSpanProcessor.on_end ──► ExportHub.offer_span ──► intake (prepare once) ──► one lane a target and signal ──► exporter
       the caller's thread: no lock, no I/O                  one thread                  one thread each

``hub.py`` is the front, ``intake.py`` the distributing thread, ``lane.py`` a worker with its exporter, ``ledger.py`` and
``accounting.py`` keep the counts, ``delivery.py`` is what an exporter's answer means.
"""
