"""Why the store cannot be opened or used, each in one sentence that the command line prints as it is."""


class StoreError(Exception):
    """Something that the operator can mend; its text is one clear sentence."""


class StoreLocked(StoreError):
    """Another process has this database open."""


class StoreUnwritable(StoreError):
    """The folder or the file cannot be written."""


class StoreMissing(StoreError):
    """There is no database to read yet."""


class NotADatabase(StoreError):
    """The file is something else."""


class NewerSchema(StoreError):
    """A newer version, that this one cannot work beside, has written the database."""


class NeedsMigration(StoreError):
    """The database is older than this version, and migrating was not asked for."""


class UnsupportedDatabase(StoreError):
    """The URL names a database that this version does not speak."""


class StoreClosed(StoreError):
    """The store was closed before the call could be served."""


class StoreUnavailable(StoreError):
    """The database does not answer at the moment; every call may be repeated when it does."""
