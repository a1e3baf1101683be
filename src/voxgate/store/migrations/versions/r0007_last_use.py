"""When API keys were last used; and no statistics of more that may be deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_UNSAMPLED = {  # PostgreSQL's statistics would keep some of these values after they are deleted
    "spaces": ("domain",),
    "speaker_groups": ("id", "name"),
    "group_members": ("group_id", "speaker_id"),
    "jobs": ("id", "sealed_payload", "sealed_failures"),
    "responses": ("speaker", "sealed_content"),
}


def upgrade() -> None:
    """Add the column."""
    op.add_column("api_keys", sa.Column("last_used_us", sa.BigInteger))
    if op.get_bind().dialect.name == "postgresql":
        for table, columns in _UNSAMPLED.items():
            for column in columns:
                op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0")


def downgrade() -> None:
    """Forget when they were."""
    op.drop_column("api_keys", "last_used_us")
