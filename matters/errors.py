"""The error tree of matters.

MattersError                 something handed to this package cannot be used; carries a stable `code`
├── CatalogueInvalid         a matter's TOML does not describe a matter     to blame: who wrote the file
├── TableInvalid             a deadline or calendar table is not one        to blame: who wrote the table
└── RowRefused               a cell of an import row cannot be taken        to blame: who wrote the file;
                             never leaves matters.importing, which returns it as a Reject

None of them may be retried without a change of the input. A citizen's request that is not granted is no
error here: it is a returned `matters.model.Refusal`.
"""


class MattersError(Exception):
    """Root of the tree; `code` is stable, `message` says what is wrong and where."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class CatalogueInvalid(MattersError):
    """A catalogue file is not a matter; the message names file, line where known, key and reason."""

    def __init__(self, file: str, key: str, reason: str, line: int | None = None) -> None:
        place = f"{file}:{line}" if line is not None else file
        super().__init__("catalogue-invalid", f"{place}: {key}: {reason}")
        self.file = file
        self.key = key
        self.reason = reason
        self.line = line


class TableInvalid(MattersError):
    """A deadline or calendar table is malformed; the message names the row and the reason."""

    def __init__(self, table: str, reason: str) -> None:
        super().__init__("table-invalid", f"{table}: {reason}")


class RowRefused(MattersError):
    """A cell of an import row cannot be taken; `zh` and `en` say why."""

    def __init__(self, code: str, column: str, zh: str, en: str) -> None:
        super().__init__(code, f"{column}: {en}")
        self.column = column
        self.zh = zh
        self.en = en
