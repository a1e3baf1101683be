"""The voiceprints as vectors, for the search of PostgreSQL; nothing elsewhere.

The vectors of the voiceprints that are there already are put in when the store is opened, as
only who has the key can read them.
"""

from alembic import op

revision = "0003"
down_revision = "0002"

_TABLE = """CREATE TABLE vectors (
    pack VARCHAR(256), speaker_id VARCHAR(32), space_id VARCHAR(32) NOT NULL,
    embedding vector NOT NULL, CONSTRAINT pk_vectors PRIMARY KEY (pack, speaker_id),
    CONSTRAINT fk_vectors_voiceprints FOREIGN KEY (pack, speaker_id)
        REFERENCES voiceprints (pack, speaker_id) ON DELETE CASCADE)"""


def upgrade() -> None:
    """Make the table; the index of each pack's voices is made when they have become many."""
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("CREATE EXTENSION IF NOT EXISTS vector")
    op.execute(_TABLE)
    op.execute("CREATE INDEX ix_vectors_space_id_pack ON vectors (space_id, pack)")
    op.execute("ALTER TABLE vectors ALTER COLUMN embedding SET STORAGE MAIN")  # beside its row
    for column in (
        "vectors ALTER speaker_id",
        "vectors ALTER embedding",
        "speakers ALTER sealed_metadata",
    ):  # no statistics of what may be deleted
        op.execute(f"ALTER TABLE {column} SET STATISTICS 0")


def downgrade() -> None:
    """Remove the table; the extension may be used by others."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_table("vectors")
