"""Background workers inherit a stale parent.

``create_task`` copies the request's context into a worker that lives for days: all its later work is billed to the request that happened
to start it, or its spans outlive their parent and are dropped (ogx-ai/ogx#5168, open-telemetry/opentelemetry-python-contrib#4251).
"""

from __future__ import annotations

import asyncio
import contextvars
import threading

from plain_sdk import PlainSdk

from langswarm_otel import detached


async def worker(queue, tracer):
    while (name := await queue.get()) is not None:
        with tracer.start_as_current_span(name):
            pass


async def served(tracer, *, inside):
    """A request starts the worker, and ends; then the worker gets something to do."""
    queue = asyncio.Queue()
    with tracer.start_as_current_span("request"), inside():
        task = asyncio.create_task(worker(queue, tracer))
    for name in ("job 1", "job 2", None):
        await queue.put(name)
    await task


class nothing:  # noqa: N801 - used like a function
    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


def test_the_plain_sdk_bills_the_first_request(verdict):
    """Everything that the worker will ever do is below a request that has long ended."""
    sdk = PlainSdk()
    asyncio.run(served(sdk.tracer, inside=nothing))
    spans = {span.name: span for span in sdk.spans()}
    assert spans["job 2"].parent.span_id == spans["request"].context.span_id
    verdict.plain("a worker's jobs are children of the request that started it")


def test_detached_work_is_a_trace_of_its_own_with_a_link(telemetry, verdict):
    """Each job is a root, linked to where the worker was started."""
    asyncio.run(served(telemetry.observability.tracer, inside=detached))
    request = telemetry.span("request")
    jobs = [telemetry.span("job 1"), telemetry.span("job 2")]
    assert [job.parent_id for job in jobs] == [None, None]
    assert len({job.trace_id for job in (*jobs, request)}) == 3
    assert all(job.links[0].span_id == request.span_id for job in jobs)
    verdict.ours("each job is a root, with a link to where the worker was started")


def test_threads_in_a_copied_context_and_no_link_if_unwanted(telemetry):
    """The same for a thread, and without a link on request."""
    obs = telemetry.observability
    with obs.agent("request"), detached(link=False):
        thread = threading.Thread(target=contextvars.copy_context().run, args=(lambda: obs.tracer.start_span("job").end(),))
    thread.start()
    thread.join()
    assert telemetry.span("job").parent_id is None
    assert not telemetry.span("job").links
