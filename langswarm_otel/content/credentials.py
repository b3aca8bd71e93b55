"""The common forms of credentials: how each looks, and words that a text must contain for it to be worth a look.

Every pattern is linear in the length of the text: no repetition inside a repetition, and each repetition of a class that its neighbour does
not begin with. A credential that was cut off, at the end of a text or of a string inside JSON, is found as well if the text is long enough
to have been cut.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_BEGIN: Final = r"(?<![A-Za-z0-9_-])"

_LEFT_OUT: Final = r"\.\.\. \["
"""How our own cutting begins to say what is missing: ``... [cut: ``, ``... [12 characters left out]``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """One form."""

    rule: str
    """What the mark in its place says."""

    start: str
    """Pattern of the characters that it begins with, which are telling."""

    rest: str
    """Pattern of one further character."""

    least: int
    """So many of these make it a credential."""

    @property
    def whole(self) -> str:
        """Pattern of a whole one."""
        return f"{_BEGIN}(?:{self.start}){self.rest}{{{self.least},}}"

    @property
    def cut(self) -> str:
        """Pattern of one that ends with the text, or with a string in it."""
        return f"{_BEGIN}(?:{self.start}){self.rest}{{4,}}(?=[\"'\\\\…]|{_LEFT_OUT}|\\Z)"


_WORD: Final = "[A-Za-z0-9_-]"
_ALNUM: Final = "[A-Za-z0-9]"

CREDENTIALS: Final[tuple[Credential, ...]] = (
    Credential(rule="anthropic_key", start="sk-ant-", rest=_WORD, least=16),
    Credential(rule="openai_key", start="sk-(?:proj|svcacct|admin|None)-", rest=_WORD, least=16),
    Credential(rule="openai_key", start="sk-", rest=_ALNUM, least=20),
    Credential(rule="openrouter_key", start="sk-or-", rest=_WORD, least=16),
    Credential(rule="langfuse_key", start="(?:sk|pk)-lf-", rest=_WORD, least=16),
    Credential(rule="stripe_key", start="(?:sk|rk|pk)_(?:live|test)_", rest=_ALNUM, least=16),
    Credential(rule="aws_access_key", start="(?:AKIA|ASIA)", rest="[A-Z0-9]", least=16),
    Credential(rule="google_api_key", start="AIza", rest=_WORD, least=30),
    Credential(rule="google_oauth", start=r"ya29\.", rest=_WORD, least=20),
    Credential(rule="github_token", start="(?:gh[pousr]_|github_pat_)", rest="[A-Za-z0-9_]", least=20),
    Credential(rule="gitlab_token", start="gl(?:pat|dt|rt|cbt)-", rest=_WORD, least=16),
    Credential(rule="slack_token", start="xox[abeoprs]-", rest="[A-Za-z0-9-]", least=10),
    Credential(rule="huggingface_token", start="hf_", rest=_ALNUM, least=20),
    Credential(rule="groq_key", start="gsk_", rest=_ALNUM, least=20),
    Credential(rule="xai_key", start="xai-", rest=_ALNUM, least=20),
    Credential(rule="replicate_token", start="r8_", rest=_ALNUM, least=20),
    Credential(rule="npm_token", start="npm_", rest=_ALNUM, least=20),
    Credential(rule="pypi_token", start="pypi-", rest=_WORD, least=30),
    Credential(rule="sendgrid_key", start=r"SG\.[A-Za-z0-9_-]{10,30}\.", rest=_WORD, least=16),
    Credential(rule="digitalocean_token", start="do[opr]_v1_", rest="[a-f0-9]", least=32),
    Credential(rule="jwt", start=r"eyJ[A-Za-z0-9_-]{8,}\.eyJ", rest="[A-Za-z0-9_.-]", least=8),
)
"""Those that tell themselves by their first characters."""

PRIVATE_KEY: Final = r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?"
"""A private key in PEM form, whole or cut off."""

USER_INFO: Final = r"(?<=://)(?P<user>[^\s/@:\"'\\]{0,64}):(?P<url_password>[^\s/@\"'\\]{1,256})@"
"""Name and password in a URL; the name stays."""

USER_INFO_CUT: Final = (
    r"(?<=://)(?P<user>[^\s/@:\"'\\]{0,64}):(?P<url_password>(?!\d{1,5}(?:\.|\Z))[^\s/@\"'\\]{4,256}?)" rf"(?={_LEFT_OUT}|\Z)"
)
"""The same where the text was cut off before the ``@``; a number is a port."""

SCHEME_CUT: Final = (
    r"(?i:(?<![a-z0-9_-])(?P<scheme>bearer|basic|digest|token)(?P<scheme_gap>\s{1,4}))"
    rf"(?P<scheme_value>[A-Za-z0-9+/=_.~-]{{4,}}?)(?={_LEFT_OUT})"
)
"""What was left of a header ``Authorization`` when the text was cut off."""

SCHEME: Final = r"(?i:(?<![a-z0-9_-])(?P<scheme>bearer|basic|digest|token)(?P<scheme_gap>\s{1,4}))(?P<scheme_value>[A-Za-z0-9+/=_.~-]{12,})"
"""What stands in a header ``Authorization``."""

_NAMES: Final = (
    r"pass(?:word|wd|phrase)|pwd|client[_-]?secret|secret(?:[_-]?(?:access)?[_-]?key)?|(?:x[_-])?api[_-]?key|access[_-]?key(?:[_-]?id)?"
    r"|(?:access|refresh|id|auth|session|bearer|security|private|csrf|oauth)[_-]?token|token|authorization|private[_-]?key|account[_-]?key"
    r"|(?:set-)?cookie|credentials?|signature|sig"
)
_AFFIX: Final = r"[A-Za-z0-9]{0,32}[_-]"

PAIR: Final = (
    rf"(?i:(?<![a-z0-9])(?P<pair>(?:{_AFFIX}){{0,3}}(?:{_NAMES}))(?P<pair_gap>\\{{0,4}}[\"']?\s{{0,4}}(?:=>|[:=])\s{{0,4}}))"
    r"(?:(?P<quote>\\{0,4}[\"'])(?P<quoted>(?:(?!\[scrubbed: )[^\"'\\\n]){3,4096})"
    r"|(?P<bare>(?!\[scrubbed: )[^\s\"'\\,;&<>{}()\[\]|]{4,4096}))"
)
"""A name that means a secret, and its value: in JSON, in code, in a query, in a header, in a log line."""

INNOCENT_VALUE: Final = re.compile(
    r"(?i)\A(?:none|null|nil|true|false|undefined|required|optional|string|str|int|bytes|missing|invalid|expired|unknown|redacted|hidden"
    r"|\d{1,9}(?:\.\d+)?|[*•.x-]+|\$\{?\w+\}?|%\w+%|<[^>]*>|os\.\w+|self\.\w+|\w+\.\w+\.?\w*|process\.env\S*)\Z"
)
"""What a value after such a name may be without being a secret: nothing, a number, a placeholder, a reference."""

PROSE: Final = re.compile(r"\A[A-Za-z][a-z]{0,14}[.!?:]?\Z")
"""A word: after a colon and without quotes, more likely a sentence than a password."""

SHORTEST: Final = 16
"""Characters of the shortest text that holds a credential without a ``:`` or ``=`` before it."""

STARTS: Final[tuple[str, ...]] = (
    *("sk-", "pk-lf-", "sk_", "rk_", "pk_", "AKIA", "ASIA", "AIza", "ya29", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "gl"),
    *("xox", "hf_", "gsk_", "xai-", "r8_", "npm_", "pypi-", "SG", "do", "eyJ"),
)
"""How a credential begins that is a text of its own, all letters, digits, ``_`` and ``-``."""

HINTS: Final[tuple[str, ...]] = (
    *("sk-", "pk-lf", "sk_", "rk_", "pk_", "akia", "asia", "aiza", "ya29", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat", "glpat"),
    *("gldt-", "glrt-", "glcbt-", "xox", "hf_", "gsk_", "xai-", "r8_", "npm_", "pypi-", "sg.", "_v1_", "eyj", "-----begin", "://"),
    *("bearer", "basic", "digest", "token", "pass", "pwd", "secret", "key", "authorization", "cookie", "credential", "sig"),
)
"""In lower case; a text with none of them holds no credential of these forms."""

SECRET_KEYS: Final = re.compile(rf"(?i)(?:\A|[._ -])(?:{_NAMES})\Z")
"""A key whose value is a secret, whatever it looks like; see ``scrubbing`` for those that only seem so."""

EXEMPT_KEYS: Final[frozenset[str]] = frozenset(
    {"session.id", "gen_ai.token.type", "gen_ai.conversation.id", "user.id", "user.hash", "trace_id", "span_id", "code.file.path"}
)
"""Keys whose values are never touched: identities that telemetry lives by."""
