"""A contract for import-linter: which modules may import which parts of a namespace package.

import-linter's own ``forbidden`` contract sees an external package only as a whole, and OpenTelemetry's API, SDK and exporters are one
namespace package.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from importlinter import Contract, ContractCheck, fields, output

if TYPE_CHECKING:
    from grimp import ImportGraph


class ForbiddenPartsContract(Contract):
    """Modules outside of some packages must not import some parts of an external namespace package."""

    package = fields.StringField()
    parts = fields.ListField(subfield=fields.StringField())
    allowed = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002 - the interface of import-linter
        """Look at the line of every import of the external package."""
        breaking = [
            {"module": module, "line": details["line_number"], "text": details["line_contents"]}
            for module in sorted(graph.find_modules_that_directly_import(self.package))
            if not module.startswith(tuple(self.allowed))
            for details in graph.get_import_details(importer=module, imported=self.package)
            if self._is_forbidden(str(details["line_contents"]))
        ]
        return ContractCheck(kept=not breaking, metadata={"breaking": breaking})

    def _is_forbidden(self, line: str) -> bool:
        # `from opentelemetry.sdk import x`, `import opentelemetry.sdk.trace`, `from opentelemetry import sdk`.
        joined = re.sub(rf"from {self.package} import ", f"from {self.package}.", line)
        return any(re.search(rf"\b{re.escape(part)}\b", joined) for part in self.parts)

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print each breaking line."""
        breaking: list[dict[str, Any]] = check.metadata["breaking"]
        for one in breaking:
            output.print_error(f"{one['module']}:{one['line']}: {one['text']}", bold=False)
