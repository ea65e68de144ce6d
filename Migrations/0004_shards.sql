-- One row is a run of lines, ready to be claimed. Lease columns are in no index, so that renewals stay HOT.
create table shards (
    batch_id text not null references batches (id),
    shard_no integer not null,
    state text not null check (state in ('draft', 'ready', 'claimed', 'done')),
    epoch integer not null default 0,
    worker_id text,
    lease_until timestamptz,
    not_before timestamptz,
    attempts integer not null default 0,
    line_count integer not null check (line_count > 0),
    done bytea not null,
    done_count integer not null default 0,
    completed bigint not null default 0,
    failed bigint not null default 0,
    input_tokens bigint not null default 0,
    cached_tokens bigint not null default 0,
    output_tokens bigint not null default 0,
    reasoning_tokens bigint not null default 0,
    total_tokens bigint not null default 0,
    -- The packed lines: framed, then zstd.
    lines bytea not null,
    primary key (batch_id, shard_no),
    constraint shards_claimed_iff_leased check (
        (state = 'claimed') = (worker_id is not null and lease_until is not null)
    ),
    constraint shards_done_iff_every_line_is check ((state = 'done') = (done_count = line_count)),
    constraint shards_count_each_line_once check (done_count = completed + failed)
) with (fillfactor = 80, toast_tuple_target = 128, autovacuum_vacuum_scale_factor = 0.02);

-- Packs are compressed already and always out of line, so that an update never copies them.
alter table shards alter column lines set storage external;

-- Claim order: early shards of every batch before late shards of any, so that a short batch overtakes a long one.
create index shards_ready_idx on shards (shard_no, batch_id) where state = 'ready';
create index shards_claimed_idx on shards (worker_id) where state = 'claimed';
create index shards_open_idx on shards (batch_id) where state in ('ready', 'claimed');

-- One row is a checkpoint: results of some lines of one shard, framed, then zstd.
create table segments (
    batch_id text not null,
    shard_no integer not null,
    epoch integer not null,
    seq integer not null,
    line_count integer not null check (line_count > 0),
    raw_bytes bigint not null,
    results bytea not null,
    primary key (batch_id, shard_no, epoch, seq),
    foreign key (batch_id, shard_no) references shards (batch_id, shard_no)
) with (toast_tuple_target = 128);

alter table segments alter column results set storage external;
