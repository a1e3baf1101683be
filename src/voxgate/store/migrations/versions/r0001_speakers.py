"""Speakers, samples, voiceprints and the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_NAME = sa.String(256).with_variant(sa.String(256, collation="C"), "postgresql")
_UNSAMPLED = {  # PostgreSQL's statistics would keep some of these values after they are deleted
    "speakers": ("id", "name"),
    "samples": ("id", "speaker_id", "sealed_embedding", "sealed_facts"),
    "voiceprints": ("speaker_id", "sealed_embedding"),
}
_REFUSALS = {"update": "changed", "delete": "removed"}


def upgrade() -> None:
    """Make the tables, and triggers that keep the audit log append-only."""
    op.create_table(
        "store",
        sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1", name="one_row"), primary_key=True),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("key_check", sa.LargeBinary, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("erasure_due", sa.BigInteger),
    )
    op.create_table(
        "speakers",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("name", _NAME, nullable=False, unique=True),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("updated_us", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "samples",
        sa.Column("number", _NUMBER, primary_key=True),
        _speaker_id(),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("pack", sa.String(256), nullable=False),
        sa.Column("speech_s", sa.Double, nullable=False),
        sa.Column("added_us", sa.BigInteger, nullable=False),
        sa.Column("sealed_embedding", sa.LargeBinary, nullable=False),
        sa.Column("sealed_facts", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("speaker_id", "id"),
    )
    op.create_table(
        "voiceprints",
        sa.Column("pack", sa.String(256), primary_key=True),
        _speaker_id(primary_key=True),
        sa.Column("speech_s", sa.Double, nullable=False),
        sa.Column("recordings", sa.Integer, nullable=False),
        sa.Column("updated_us", sa.BigInteger, nullable=False),
        sa.Column("sealed_embedding", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_voiceprints_speaker_id", "voiceprints", ["speaker_id"])
    op.create_table(
        "audit_log",
        sa.Column("number", _NUMBER, primary_key=True),
        sa.Column("at_us", sa.BigInteger, nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("speaker", sa.String(64)),
        sa.Column("sealed_detail", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_audit_log_speaker", "audit_log", ["speaker"])
    _make_append_only()
    if op.get_bind().dialect.name == "postgresql":
        for table, columns in _UNSAMPLED.items():
            for column in columns:
                op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0")


def _speaker_id(*, primary_key: bool = False) -> sa.Column[str]:
    of_speaker = sa.ForeignKey("speakers.id", ondelete="CASCADE")
    return sa.Column(
        "speaker_id", sa.String(32), of_speaker, primary_key=primary_key, nullable=False
    )


def _make_append_only() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION audit_log_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE 'the audit log cannot be changed, only added to'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
            "ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION audit_log_refuse()"
        )
        return
    for verb, participle in _REFUSALS.items():
        op.execute(
            f"CREATE TRIGGER audit_log_no_{verb} BEFORE {verb} ON audit_log "
            f"BEGIN SELECT RAISE(ABORT, 'the audit log cannot be {participle}'); END"
        )


def downgrade() -> None:
    """Remove everything; the triggers go with their table."""
    for table in ("audit_log", "voiceprints", "samples", "speakers", "store"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_log_refuse()")
