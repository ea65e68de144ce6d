-- One row is a live worker process, for people and for sharing capacity; leases do not depend on it.
create table workers (
    id text primary key,
    host text not null,
    pid integer not null,
    version text not null,
    capacity integer not null,
    in_flight integer not null default 0,
    draining boolean not null default false,
    started_at timestamptz not null default clock_timestamp(),
    heartbeat_at timestamptz not null default clock_timestamp()
);
