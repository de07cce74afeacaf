"""What must be there before several threads use the database at once."""

from importlib import import_module


def make_ready_for_threads() -> None:
    """
    Load what SQLAlchemy would else load while other threads build statements.

    Prefect imports `sqlalchemy.orm`, and does so in a thread beside ours. While that module is half
    there it already answers for the types of every value, which it cannot yet: for about a second
    a page or a story failed now and then. Loaded beforehand (80 ms) it does no harm. Call this in
    the only thread there is.
    """
    import_module("sqlalchemy.orm")
