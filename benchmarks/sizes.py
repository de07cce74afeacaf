"""How many bytes each table takes for a row, its indexes included, on PostgreSQL."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from ground import Cluster
from measure import ALKAWARI, Fact, Process
from plenty import NOW, fill, make_due, realistic
from smtp_server import SmtpServer
from sqlalchemy import text

from engine.store.database import Database

FEWEST_ROWS = 500
"""Of a table with fewer rows it says little what one of them takes."""


def bytes_a_row(cluster: Cluster, total: int, due: int) -> Iterator[Fact]:
    """A grown programme that is swept and delivered once: what its tables then take."""
    url, size = cluster.new(), realistic(total)
    database = Database(url)
    fill(database, size)
    make_due(database, size, due)
    with (
        tempfile.TemporaryDirectory(prefix="sink-") as folder,
        SmtpServer(folder=Path(folder), trace=False) as sink,
    ):
        process = Process(
            environment={
                "ALKAWARI_DATABASE_URL": url,
                "ALKAWARI_MAIL__HOST": sink.host,
                "ALKAWARI_MAIL__PORT": str(sink.port),
                "ALKAWARI_MAIL__SECURITY": "none",
                "ALKAWARI_MAIL__SENDER": "reminder@notify.example",
            }
        )
        for command in ("sweep", "deliver"):
            process.run(ALKAWARI, command, f"--as-of={NOW.isoformat()}", "--json")
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        # What rows that were changed leave behind would be counted with those that are there.
        connection.execute(text("VACUUM FULL ANALYZE"))
        names = connection.scalars(
            text("SELECT relname FROM pg_stat_user_tables ORDER BY relname")
        ).all()
        figure = f"bytes a row, {total:,} actions with {size.events} events each (PostgreSQL)"
        for name in names:
            rows = connection.scalar(text(f'SELECT count(*) FROM "{name}"')) or 0
            if rows >= FEWEST_ROWS:
                heap, whole = connection.execute(
                    text("SELECT pg_table_size(:name), pg_total_relation_size(:name)"),
                    {"name": name},
                ).one()
                said = f"{whole / rows:,.0f} B"
                what = f"{name}: {rows:,} rows, {heap / rows:,.0f} B without indexes"
                yield Fact(figure=figure, what=what, said=said)
    database.close()
    cluster.drop(url)
