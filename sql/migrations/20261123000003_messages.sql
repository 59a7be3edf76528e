-- Messages between actors: what is still to be sent, what was already done, what could not be handled.

-- migrate:up

-- Written in the transaction of the step that sends; the relay publishes and deletes.
CREATE TABLE outbox (
    seq        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id         uuid NOT NULL,
    name       text NOT NULL,
    body       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 1000);

-- A message seen twice changes nothing.
CREATE TABLE processed (
    queue      text NOT NULL,
    message_id uuid NOT NULL,
    at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (queue, message_id)
);
CREATE INDEX processed_by_age ON processed USING brin (at);

-- What could not be handled, with the reason; an operator lists, replays or drops it.
CREATE TABLE parked (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue       text NOT NULL,
    message_id  uuid,
    name        text NOT NULL,
    body        text NOT NULL,
    reason      text NOT NULL,
    parked_at   timestamptz NOT NULL DEFAULT now(),
    settled_at  timestamptz,
    settled_how text CHECK (settled_how IN ('replayed', 'dropped')),
    CHECK ((settled_at IS NULL) = (settled_how IS NULL))
);
CREATE INDEX parked_open ON parked (id) WHERE settled_at IS NULL;

-- migrate:down

DROP TABLE parked, processed, outbox;
