"""Answers to requests with an idempotency key. Going down forgets them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make their table."""
    of_space = sa.ForeignKey("spaces.id", ondelete="CASCADE")
    op.create_table(
        "responses",
        sa.Column("space_id", sa.String(32), of_space, primary_key=True),
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("audited", sa.BigInteger, nullable=False),
        sa.Column("claim", sa.String(32), nullable=False),
        sa.Column("leased_until_us", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("speaker", sa.String(64)),
        sa.Column("sealed_body_digest", sa.LargeBinary),
        sa.Column("sealed_content", sa.LargeBinary),
    )
    op.create_index("ix_responses_space_id_speaker", "responses", ["space_id", "speaker"])
    op.create_index("ix_responses_created_us", "responses", ["created_us"])


def downgrade() -> None:
    """Forget all answers."""
    op.drop_table("responses")
