"""Batch jobs. Going down forgets them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make their table."""
    of_space = sa.ForeignKey("spaces.id", ondelete="CASCADE")
    counts = ("done", "skipped", "failed")
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("space_id", sa.String(32), of_space, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        *(sa.Column(name, sa.Integer, nullable=False, server_default="0") for name in counts),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("updated_us", sa.BigInteger, nullable=False),
        sa.Column("worker", sa.String(64)),
        sa.Column("leased_until_us", sa.BigInteger),
        sa.Column("sealed_payload", sa.LargeBinary),
        sa.Column("sealed_failures", sa.LargeBinary),
    )
    op.create_index("ix_jobs_space_id", "jobs", ["space_id"])


def downgrade() -> None:
    """Forget all jobs."""
    op.drop_table("jobs")
