"""Text → checked tokens → syntax tree.

The text is cut into tokens by sqlglot and every token is checked against an allow-list before anything is parsed. On
the way each path becomes one quoted identifier (`"p0"`) and each function call one with a private name (`fn_0(…)`): so
paths may be of any depth and hold any word, and sqlglot's own reading of names and functions plays no part. What was
there stands in the tables `paths` and `calls` of the result.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from sqlglot import Dialect, Token, TokenType, exp
from sqlglot.errors import SqlglotError

from monetization_pipeline.expressions.model import ExpressionError, Path, show


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MAX_LENGTH = 4_000
MAX_DEPTH = 30

#: Every function there is.
FUNCTIONS = _words(
    """
    abs coalesce concat contains epoch_ms epoch_s length lower nullif parse_time regexp_extract regexp_matches replace
    split_part starts_with substr substring trim upper
    """
)
#: The types a cast may name.
CAST_TYPES = _words("varchar text integer int bigint decimal boolean bool")

_STRUCTURAL = _words("and or not case when then else end null true false in is like ilike between as")
_CASTS = _words("cast try_cast")
_STATEMENTS = _words(
    """
    alter attach call checkpoint copy create delete describe detach drop execute except exists explain export from
    import insert install intersect into join lambda limit load over pragma prepare select set show summarize truncate
    union unnest update use vacuum values where with
    """
)
_SYMBOLS = {
    TokenType.EQ: "=",
    TokenType.NEQ: "<>",
    TokenType.LT: "<",
    TokenType.LTE: "<=",
    TokenType.GT: ">",
    TokenType.GTE: ">=",
    TokenType.PLUS: "+",
    TokenType.DASH: "-",
    TokenType.STAR: "*",
    TokenType.DPIPE: "||",
    TokenType.DCOLON: "::",
    TokenType.COMMA: ",",
    TokenType.L_PAREN: "(",
    TokenType.R_PAREN: ")",
}
_PREFIXES = (TokenType.NOT, TokenType.DASH, TokenType.PLUS)
_DIVISIONS = (TokenType.SLASH, TokenType.DIV, TokenType.MOD)
_NUMBER = re.compile(r"\d+(\.\d*)?([eE][+-]?\d+)?", re.ASCII)
_INDEX = re.compile(r"\d{1,6}", re.ASCII)
_DUCKDB = Dialect.get_or_raise("duckdb")


@dataclass(frozen=True, slots=True)
class PathUse:
    """A path as it stands in the text."""

    path: Path
    label: str
    position: int


@dataclass(frozen=True, slots=True)
class CallUse:
    """A function call's name as it stands in the text."""

    name: str
    position: int


@dataclass(slots=True)
class Parsed:
    """A syntax tree whose identifiers and functions are keys of `paths` and `calls`."""

    tree: exp.Expr
    paths: dict[str, PathUse]
    calls: dict[str, CallUse]


def read(text: str) -> Parsed:
    """The checked syntax tree of an expression. Raises ExpressionError naming the first piece that is not allowed."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"an expression has at most {MAX_LENGTH} characters; this one has {len(text)}")
    odd = next((at for at, char in enumerate(text) if _is_odd(char)), None)
    if odd is not None:
        raise ExpressionError(f"character U+{ord(text[odd]):04X} is not allowed in an expression", odd)
    reader = _Reader(text, _tokens(text))
    reader.run()
    return Parsed(_parse(text, reader.out), reader.paths, reader.calls)


def paths_of(text: str) -> frozenset[Path]:
    """Every path an expression reads, without asking what the paths are. Raises ExpressionError for text that is none.

    >>> sorted(paths_of("status < 400 and metadata.model = 'small'"))
    [('metadata', 'model'), ('status',)]
    """
    return frozenset(use.path for use in read(text).paths.values())


def _is_odd(char: str) -> bool:
    return (char < " " and char not in "\t\n\r") or char == "\x7f" or "\ud800" <= char <= "\udfff"


def _tokens(text: str) -> list[Token]:
    try:
        tokens = list(_DUCKDB.tokenize(text))
    except SqlglotError:
        raise ExpressionError("a quote or comment is opened and never closed") from None
    if not tokens:
        raise ExpressionError("the expression is empty")
    return tokens


def _parse(text: str, tokens: list[Token]) -> exp.Expr:
    try:
        try:
            trees = _DUCKDB.parser().parse(tokens, text)
        except RecursionError:
            # The caller's own stack may be deep; a thread begins with an empty one, so the verdict is always the same.
            with ThreadPoolExecutor(1) as pool:
                trees = pool.submit(_DUCKDB.parser().parse, tokens, text).result()
    except SqlglotError as error:
        raise _unreadable(error, text) from None
    except RecursionError:
        raise ExpressionError("the expression is nested too deeply") from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Expr):
        raise ExpressionError("write exactly one expression")
    return trees[0]


def _unreadable(error: SqlglotError, text: str) -> ExpressionError:
    details: list[dict[str, object]] = getattr(error, "errors", [])
    where = details[0].get("highlight") if details else None
    if not isinstance(where, str) or not where:
        return ExpressionError("the expression cannot be read: an operand, an operator or a bracket is missing")
    found = text.find(where) if text.count(where) == 1 else None
    return ExpressionError(
        f"the expression cannot be read at `{where}`: an operand, operator or bracket is missing", found
    )


@dataclass
class _Reader:
    """One pass over the tokens, checking each and writing those that are parsed."""

    text: str
    tokens: list[Token]
    at: int = 0
    depth: int = 0
    prefixes: int = 0
    operand: str | None = None  # what stands directly before, if it is an operand
    out: list[Token] = field(default_factory=list[Token])
    paths: dict[str, PathUse] = field(default_factory=dict[str, PathUse])
    calls: dict[str, CallUse] = field(default_factory=dict[str, CallUse])

    def run(self) -> None:
        while self.at < len(self.tokens):
            self._step(self.tokens[self.at])
        if self.depth:
            raise ExpressionError("a bracket or CASE is opened and never closed")

    def _step(self, token: Token) -> None:
        self._count_prefixes(token)
        if token.token_type is TokenType.NUMBER:
            self._number(token)
        elif token.token_type is TokenType.STRING:
            self._operand(token, self._raw(token))
        elif token.token_type is TokenType.IDENTIFIER or self._is_word(token):
            self._word(token)
        elif token.token_type in _SYMBOLS:
            self._symbol(token)
        else:
            raise self._refused(token)

    def _word(self, token: Token) -> None:
        word, quoted = self._raw(token).lower(), token.token_type is TokenType.IDENTIFIER
        following = self._next_type()
        if following is TokenType.DOT or quoted:
            self._path()
        elif word in _STRUCTURAL:
            self._structural(token, word)
        elif following is TokenType.L_PAREN:
            self._call(token, word)
        elif word in _STATEMENTS:
            raise ExpressionError(
                f"`{self._raw(token)}` is not allowed: an expression holds no statement or sub-select "
                f'(a field of that name is written in double quotes: "{self._raw(token)}")',
                token.start,
            )
        else:
            self._path()

    def _structural(self, token: Token, word: str) -> None:
        if word in ("null", "true", "false"):
            self._operand(token, word)
            return
        if word in ("case", "end"):
            self._nest(token, 1 if word == "case" else -1)
        self._emit(token)
        self.operand = None
        if word == "as":
            self._type(token)

    def _call(self, token: Token, word: str) -> None:
        if word not in _CASTS:
            if word not in FUNCTIONS:
                known = ", ".join(sorted(FUNCTIONS | _CASTS))
                raise ExpressionError(f"function {self._raw(token)}(…) is not allowed; there are: {known}", token.start)
            name = f"fn_{len(self.calls)}"
            self.calls[name] = CallUse(word, token.start)
            token = _renamed(token, TokenType.VAR, name)
        self._operand(token, word)
        self.operand = None

    def _type(self, before: Token) -> None:
        """The type after AS or `::`."""
        token = self.tokens[self.at] if self.at < len(self.tokens) else before
        word = self._raw(token)
        if word.lower() not in CAST_TYPES:
            raise ExpressionError(
                f"`{word}` is not allowed after `{self._raw(before)}`: a cast is to text, integer, decimal or boolean",
                token.start,
            )
        self._operand(token, word)
        if self.at < len(self.tokens) and self.tokens[self.at].token_type is TokenType.L_PAREN:
            raise ExpressionError(
                f"write `{word}` without digits or length: a decimal keeps all its digits, a text its length",
                token.start,
            )

    def _path(self) -> None:
        first = self.tokens[self.at]
        parts: list[str | int] = [self._name(first)]
        self.at += 1
        while self.at < len(self.tokens):
            kind = self.tokens[self.at].token_type
            if kind is TokenType.DOT:
                parts.append(self._member(first))
            elif kind is TokenType.L_BRACKET:
                parts.append(self._index(first))
            else:
                break
        label, last = show(tuple(parts)), self.tokens[self.at - 1]
        if self._next_type(0) is TokenType.L_PAREN:
            raise ExpressionError(f"`{label}` is not a function", first.start)
        self._refuse_hyphen(last, label)
        name = f"p{len(self.paths)}"
        self.paths[name] = PathUse(tuple(parts), label, first.start)
        self.at -= 1
        self._operand(_renamed(first, TokenType.IDENTIFIER, name), label)

    def _member(self, first: Token) -> str:
        self.at += 1
        token = self.tokens[self.at] if self.at < len(self.tokens) else first
        if token is first or not (token.token_type is TokenType.IDENTIFIER or self._is_word(token)):
            before = self.text[first.start : self.tokens[self.at - 1].end + 1]
            raise ExpressionError(
                f"after `{before}` write a field's name (in double quotes unless it is one word), "
                "or [0] for a place in a list",
                token.start,
            )
        self.at += 1
        return self._name(token)

    def _index(self, first: Token) -> int:
        inside = self.tokens[self.at + 1 : self.at + 3]
        if (
            len(inside) < 2
            or inside[1].token_type is not TokenType.R_BRACKET
            or not _INDEX.fullmatch(self._raw(inside[0]))
        ):
            raise ExpressionError(
                f"brackets after `{self.text[first.start : self.tokens[self.at].start]}` hold one number, counted "
                'from 0; a field\'s name is written ."name"',
                self.tokens[self.at].start,
            )
        self.at += 3
        return int(inside[0].text)

    def _name(self, token: Token) -> str:
        name = token.text if token.token_type is TokenType.IDENTIFIER else self._raw(token)
        if not name:
            raise ExpressionError('a field\'s name cannot be empty ("")', token.start)
        return name

    def _refuse_hyphen(self, last: Token, label: str) -> None:
        """`headers.x-id` would be a subtraction that nobody meant."""
        after = self.tokens[self.at : self.at + 2]
        if (
            len(after) == 2
            and after[0].token_type is TokenType.DASH
            and self._is_word(after[1])
            and last.token_type is not TokenType.IDENTIFIER
            and after[1].start == last.end + 2
        ):
            name = f"{self._raw(last)}-{self._raw(after[1])}"
            raise ExpressionError(
                f'`{label}-{self._raw(after[1])}` is ambiguous: write a name with a hyphen in double quotes, "{name}", '
                "and a subtraction with spaces around the minus",
                last.start,
            )

    def _number(self, token: Token) -> None:
        if not _NUMBER.fullmatch(self._raw(token)):
            raise ExpressionError(
                f"`{self._raw(token)}` is not a number; write digits, such as 1000 or 0.5", token.start
            )
        self._operand(token, self._raw(token))

    def _symbol(self, token: Token) -> None:
        if token.token_type in (TokenType.L_PAREN, TokenType.R_PAREN):
            self._nest(token, 1 if token.token_type is TokenType.L_PAREN else -1)
        self._emit(token)
        self.operand = None
        if token.token_type is TokenType.DCOLON:
            self._type(token)

    def _operand(self, token: Token, label: str) -> None:
        if self.operand is not None:
            raise ExpressionError(
                f"`{label}` stands directly after `{self.operand}`: an operator is missing", token.start
            )
        self._emit(token)
        self.operand = label

    def _emit(self, token: Token) -> None:
        self.out.append(token)
        self.at += 1

    def _nest(self, token: Token, by: int) -> None:
        self.depth += by
        if self.depth > MAX_DEPTH:
            raise ExpressionError(f"brackets and CASE are nested more than {MAX_DEPTH} deep", token.start)
        if self.depth < 0:
            raise ExpressionError(f"`{self._raw(token)}` closes nothing", token.start)

    def _count_prefixes(self, token: Token) -> None:
        self.prefixes = self.prefixes + 1 if token.token_type in _PREFIXES else 0
        if self.prefixes > MAX_DEPTH:
            raise ExpressionError(f"more than {MAX_DEPTH} signs or NOTs in a row", token.start)

    def _refused(self, token: Token) -> ExpressionError:
        raw = self._raw(token)
        if token.token_type in _DIVISIONS:
            hint = "divide with a price's quantity transform, or multiply by a decimal such as 0.001"
            return ExpressionError(f"`{raw}` is not allowed: {hint}", token.start)
        if token.token_type is TokenType.DOT:
            return ExpressionError("`.` must follow a name; write a fraction as 0.5", token.start)
        if token.token_type is TokenType.SEMICOLON:
            return ExpressionError("`;` is not allowed: write one expression and nothing after it", token.start)
        allowed = "and or not in between like ilike is null case " + " ".join(_SYMBOLS.values())
        return ExpressionError(f"`{raw}` is not allowed; allowed are names, texts, numbers and {allowed}", token.start)

    def _raw(self, token: Token) -> str:
        return self.text[token.start : token.end + 1]

    def _is_word(self, token: Token) -> bool:
        return self._raw(token).isidentifier()

    def _next_type(self, ahead: int = 1) -> TokenType | None:
        index = self.at + ahead
        return self.tokens[index].token_type if index < len(self.tokens) else None


def _renamed(token: Token, kind: TokenType, text: str) -> Token:
    return Token(kind, text, line=token.line, col=token.col, start=token.start, end=token.end)
