"""What ``start_span`` returns: a block that makes of LangSwarm's operation one of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import Context, get_current
from opentelemetry.trace import INVALID_SPAN, format_span_id, get_current_span

from langswarm_otel import current, semconv
from langswarm_otel.compat import vocabulary
from langswarm_otel.compat.notes import say_once
from langswarm_otel.compat.spans import Span, no_span, running_here
from langswarm_otel.components import genai_interop
from langswarm_otel.components.agent import AgentRun
from langswarm_otel.components.memory import MemoryRun
from langswarm_otel.components.naming import named
from langswarm_otel.components.run import RUN_KEY, Run
from langswarm_otel.components.step import StepRun
from langswarm_otel.components.tool import ToolRun
from langswarm_otel.components.workflow import WorkflowRun
from langswarm_otel.context import current_scope, hash_user, with_scope, with_values
from langswarm_otel.guard import record_fault
from langswarm_otel.instrumentation.hooks import LANGSWARM
from langswarm_otel.instrumentation.naming import names_of
from langswarm_otel.instrumentation.session_ids import conversation_id_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from langswarm_otel.compat.vocabulary import Kind, Meaning
    from langswarm_otel.components.operation import Operation

_RUNS: Final[dict[Kind, type[Run]]] = {"agent": AgentRun, "tool": ToolRun, "workflow": WorkflowRun, "step": StepRun, "memory": MemoryRun}


class SpanBlock:
    """One operation of LangSwarm's; yields its span, always, and never changes what the block raises."""

    def __init__(self, operation_name: str, tags: Mapping[str, Any], *, parent_span_id: str | None = None, enabled: bool = True) -> None:
        """Describe the operation.

        Args:
            operation_name: as LangSwarm calls it.
            tags: what is known when it starts.
            parent_span_id: a span around it that is to be its parent instead of the innermost.
            enabled: False makes no span at all.
        """
        self._name = operation_name if type(operation_name) is str else named(operation_name)
        self._tags = {key: value for key, value in tags.items() if value is not None}
        self._parent_span_id = parent_span_id
        self._enabled = enabled
        self._run: Run | None = None

    def __enter__(self) -> Span:
        component = self._tags.get("component")
        if self._enabled:
            try:
                return self._open(component)
            except Exception as error:  # noqa: BLE001 - the caller's work must go on without telemetry
                record_fault("compat.start_span", error)
        return no_span(self._name, component)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        run, self._run = self._run, None
        if run is None:
            return
        try:
            run.leave()
            run.finish(error)
        except Exception as fault:  # noqa: BLE001 - as above
            record_fault("compat.end_span", fault)

    def record(self, *, start_ns: int | None, end_ns: int | None, status: object) -> None:
        """Record the operation, which is over.

        Args:
            start_ns: when it began, in nanoseconds since 1970.
            end_ns: when it ended; None means now.
            status: how it went.
        """
        meaning = vocabulary.meaning_of(self._name, self._tags)
        run = self._begin(vocabulary.PLAIN if meaning.kind == "part" else meaning, start_ns)
        shown = Span(run.span, run, operation_name=self._name)
        self._describe(shown, meaning)
        shown.set_status(status)
        run.finish(end_ns=end_ns)

    def _open(self, component: str | None) -> Span:
        meaning, tags = vocabulary.meaning_of(self._name, self._tags), self._tags
        # Where the hooks are on they observe LangSwarm's very calls, and report them better.
        is_observed = LANGSWARM.installed and vocabulary.by_langswarm(meaning, tags)
        around = self._around(meaning, by_name=not is_observed)
        if is_observed or meaning.kind == "part" or around is not None:
            otel = INVALID_SPAN if around is None else around.span
            shown = Span(otel, around, operation_name=self._name, component=component, quiet=is_observed)
        else:
            run = self._run = self._begin(meaning)
            run.enter()
            shown = Span(run.span, run, operation_name=self._name, component=component)
        self._describe(shown, meaning)
        return shown

    def _describe(self, shown: Span, meaning: Meaning) -> None:
        """Put on a span what it did not start with."""
        known = self._tags.keys() - _REPORTS if meaning.kind == "plain" else vocabulary.CONSUMED.get(meaning.kind, frozenset())
        for key, value in self._tags.items():
            if key not in known and key not in _OF_SCOPE:
                shown.add_tag(key, value)

    def _around(self, meaning: Meaning, *, by_name: bool) -> Run | None:
        """Return the operation around this one that it is a part of, or another report of.

        Args:
            meaning: what this one is.
            by_name: whether one of the same kind must also be about the same subject.
        """
        around, is_part = running_here(), meaning.kind == "part"
        kind = _RUNS.get(meaning.of or meaning.kind)
        if around is None or kind is None or type(around) is not kind:
            return None
        if is_part or not by_name:
            return around
        if meaning.kind == "memory":
            return around if around.operation_name == self._memory_operation() else None
        subjects = {named(self._tags[name]) for name in meaning.names if name in self._tags}
        known = {around.identity()[1], (getattr(around.span, "attributes", None) or {}).get(semconv.AGENT_ID)}
        return around if subjects & known else None

    def _begin(self, meaning: Meaning, start_ns: int | None = None) -> Run:
        context = self._within(self._parent())
        if meaning.kind == "step" and current_scope(context).workflow_name is None and "workflow_id" in self._tags:
            context = with_scope(context, workflow_name=named(self._tags["workflow_id"]))
        run: Run = self._operation(meaning).begin(context, start_ns=start_ns)
        return run

    def _operation(self, meaning: Meaning) -> Operation[Any]:
        tags, kind = self._tags, meaning.kind
        if kind == "plain":
            policy = current.telemetry().policy
            starts_with = (pair for key in tags.keys() - _REPORTS for pair in vocabulary.attributes_of(key, tags[key], policy))
            plain: Operation[Any] = current.traced(self._name, **dict(starts_with))
            return plain
        provider, model = names_of(tags.get("provider"), tags.get("model"))
        subject = str(vocabulary.subject_of(meaning, tags))
        operation: Operation[Any]
        if kind == "inference":
            operation = current.inference(provider=provider, model=model)
        elif kind == "agent":
            operation = current.agent(subject, provider=provider, model=model, agent_id=tags.get("agent_id"))
        elif kind == "tool":
            operation = current.tool(subject, tool_type="function")
        elif kind == "workflow":
            operation = current.workflow(subject)
        elif kind == "step":
            operation = current.step(subject, step_type=tags.get("step_type"))
        else:
            operation = current.memory(self._memory_operation(), store=subject)
        return operation

    def _memory_operation(self) -> str:
        return vocabulary.memory_operation(self._name.removeprefix("memory."))

    def _parent(self) -> Context:
        """Return the context to start in: the current one, or that of the span that was named."""
        context, wanted = get_current(), self._parent_span_id
        if wanted is None or _id_of(get_current_span(context)) == wanted:
            return context
        around = context.get(RUN_KEY)
        while isinstance(around, Run):
            if _id_of(around.span) == wanted and not around.finished:
                return around.context
            around = around.parent
        say_once("parent_span_id names no span that is open around the call; the span began under the current one instead")
        return context

    def _within(self, context: Context) -> Context:
        """Return the context with the conversation and the user of the tags, or of the operation around, in its scope."""
        scope, policy = current_scope(context), current.telemetry().policy
        changes: dict[str, str | None] = {}
        conversation_id = conversation_id_of(self._tags.get("session_id"), policy)
        if conversation_id is None and scope.conversation_id is None:  # LangSwarm tells an agent's session once the agent is at work
            conversation_id = (getattr(get_current_span(context), "attributes", None) or {}).get(semconv.CONVERSATION_ID)
        if conversation_id is not None:
            changes["conversation_id"] = named(conversation_id)
        user_id = self._tags.get("user_id")
        if user_id is not None:
            changes["user_hash"] = hash_user(str(user_id), policy.user_hash_salt)
            changes["user_id"] = str(user_id) if policy.capture_user_id else None
        if not changes:
            return context
        inside = with_scope(context, **changes)
        known = changes.get("conversation_id")
        return inside if known is None else with_values(inside, genai_interop.conversation(known))


NO_BLOCK: Final = SpanBlock("", {}, enabled=False)
"""A block that is no operation; it may be entered any number of times."""

_OF_SCOPE: Final = frozenset({"session_id", "user_id"})
"""Tags that the scope carries, so that they stand on everything inside too."""

_REPORTS: Final = frozenset({*vocabulary.ERROR_TYPES, *vocabulary.SUCCESSES, *_OF_SCOPE, "error", "auto_instrumented"})
"""Tags that a plain span does not simply carry."""


def _id_of(span: Any) -> str:
    return format_span_id(span.get_span_context().span_id)
