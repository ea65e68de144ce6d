-- The outbox: written in the commit that made the batch terminal; one event of a type per batch.
create table events (
    seq bigint generated always as identity primary key,
    id text not null unique,
    project_id text not null references projects (id),
    type text not null,
    batch_id text not null references batches (id),
    created_at timestamptz not null default clock_timestamp(),
    -- When its deliveries were made; an event without receivers has none.
    dispatched_at timestamptz,
    unique (batch_id, type)
);

create index events_undispatched_idx on events (seq) where dispatched_at is null;

-- One row is the attempt schedule of one event towards one URL.
create table deliveries (
    id bigint generated always as identity primary key,
    event_id text not null references events (id),
    url text not null,
    state text not null default 'pending' check (state in ('pending', 'delivered', 'exhausted')),
    attempts integer not null default 0,
    next_attempt_at timestamptz not null default clock_timestamp(),
    owner text,
    owner_until timestamptz,
    last_status integer,
    last_error text,
    settled_at timestamptz,
    unique (event_id, url),
    constraint deliveries_settled_iff_dated check ((state = 'pending') = (settled_at is null))
);

create index deliveries_pending_idx on deliveries (next_attempt_at) where state = 'pending';
