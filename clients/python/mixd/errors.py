"""What the daemon refuses, as exceptions: one class per code of mixd.v1.Code."""


class MixdError(Exception):
    """code: the wire's code, which is mixctl's exit code; address: what it is about;
    text: what was wrong; hint: what would be right; op_index: which operation of a transaction."""

    code = 0
    name = "error"

    def __init__(self, text, *, address="", hint="", op_index=0):
        super().__init__(text)
        self.text = text
        self.address = address
        self.hint = hint
        self.op_index = op_index

    def __str__(self):
        text = f"{self.address}: {self.text}" if self.address else self.text
        return f"{text}; {self.hint}" if self.hint else text


class UsageError(MixdError):
    """A malformed request."""

    code, name = 2, "usage"


class UnavailableError(MixdError):
    """No daemon answers."""

    code, name = 3, "unavailable"


class NotFoundError(MixdError):
    """No such object."""

    code, name = 4, "not-found"


class InvalidError(MixdError):
    """A value, the graph or a session file is not valid."""

    code, name = 5, "invalid"


class ConflictError(MixdError):
    """Another revision, exists differently, in use."""

    code, name = 6, "conflict"


class DeniedError(MixdError):
    """Not permitted."""

    code, name = 7, "denied"


class ResourceError(MixdError):
    """A device is gone, a limit is reached, a file cannot be read."""

    code, name = 8, "resource"


class RolledBackError(MixdError):
    """Applied, then rolled back."""

    code, name = 9, "rolled-back"


class TimedOutError(MixdError, TimeoutError):
    """Not in time; whether it was done is unknown."""

    code, name = 124, "timeout"


_BY_CODE = {cls.code: cls for cls in MixdError.__subclasses__()}


def from_status(status):
    """The exception for a Status message that is not OK."""
    cls = _BY_CODE.get(status.code, MixdError)
    error = cls(status.text, address=status.address, hint=status.hint, op_index=status.op_index)
    error.code = status.code
    return error
