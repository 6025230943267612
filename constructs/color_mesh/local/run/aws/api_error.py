"""Errors that AWS APIs answer."""


class ApiError(Exception):
    """Error that an AWS API answers.

    Args:
        status: HTTP status code.
        code: Name of the error.
        message: Message.

    Attributes:
        status: HTTP status code.
        code: Name of the error.
        message: Message.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
