-- Where candidates stand, what was tried to reach them, and what is owed to Recruitee.
--
-- Two clocks (docs/architecture.md): a column whose comment says "business" holds the time by which calls are planned;
-- every other instant is the database's own and serves leases, deadlines and back-off.

-- migrate:up

-- The webhooks that were accepted: ids and times, never the person.
CREATE TABLE webhook_events (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id    bigint NOT NULL,
    webhook_id    text NOT NULL,
    created_at    timestamptz NOT NULL,
    event_type    text NOT NULL,
    event_subtype text,
    candidate_id  bigint,
    offer_id      bigint,
    to_stage_id   bigint,
    received_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (company_id, webhook_id, created_at)
);
CREATE INDEX webhook_events_of_candidate ON webhook_events (company_id, candidate_id);

-- The daemon's own view of what is watched: it outlives a dashboard that saves by deleting and inserting.
CREATE TABLE stage_watches (
    company_id      bigint NOT NULL,
    offer_id        bigint NOT NULL,
    stage_id        bigint NOT NULL,
    watched_at      timestamptz NOT NULL,                -- business
    settled_at      timestamptz,                         -- business: the first complete look; who was there, was there
    unwatched_since timestamptz,
    poll_due_at     timestamptz NOT NULL DEFAULT now(),
    polled_at       timestamptz,
    fault           text,
    PRIMARY KEY (company_id, offer_id, stage_id)
);
CREATE INDEX stage_watches_due ON stage_watches (poll_due_at);

-- Candidates who are to be read from Recruitee. `wanted` is new with each reason and each reader: a reading settles the
-- row only if neither came after it.
CREATE SEQUENCE readings;
CREATE TABLE candidate_reads (
    company_id   bigint NOT NULL,
    candidate_id bigint NOT NULL,
    wanted       bigint NOT NULL DEFAULT nextval('readings'),
    tries        integer NOT NULL DEFAULT 0,
    due_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, candidate_id)
);
CREATE INDEX candidate_reads_due ON candidate_reads (due_at);

CREATE TABLE candidates (
    company_id   bigint NOT NULL,
    candidate_id bigint NOT NULL,
    name         text NOT NULL,
    phones       text[] NOT NULL,
    read_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, candidate_id)
);

CREATE TABLE offers (
    company_id bigint NOT NULL,
    offer_id   bigint NOT NULL,
    title      text NOT NULL,
    status     text NOT NULL,
    language   text,
    read_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, offer_id)
);

-- One stay of a placement in a watched stage.
CREATE TABLE stays (
    id            uuid PRIMARY KEY,
    company_id    bigint NOT NULL,
    candidate_id  bigint NOT NULL,
    placement_id  bigint NOT NULL,
    offer_id      bigint NOT NULL,
    stage_id      bigint NOT NULL,
    entered_at    timestamptz NOT NULL,                  -- business
    already_there boolean NOT NULL,
    left_at       timestamptz,                           -- business
    left_because  text,
    CHECK ((left_at IS NULL) = (left_because IS NULL))
);
CREATE UNIQUE INDEX one_open_stay ON stays (company_id, placement_id, stage_id) WHERE left_at IS NULL;
CREATE INDEX stays_of_candidate ON stays (company_id, candidate_id) WHERE left_at IS NULL;
CREATE INDEX stays_open ON stays (id) WHERE left_at IS NULL AND NOT already_there;
CREATE INDEX stays_in_stage ON stays (company_id, offer_id, stage_id) WHERE left_at IS NULL;

-- The effort to reach one candidate for one stay.
CREATE TABLE outreaches (
    id               uuid PRIMARY KEY,
    stay_id          uuid NOT NULL UNIQUE REFERENCES stays,
    company_id       bigint NOT NULL,
    candidate_id     bigint NOT NULL,
    placement_id     bigint NOT NULL,
    offer_id         bigint NOT NULL,
    stage_id         bigint NOT NULL,
    mode             text NOT NULL CHECK (mode IN ('interview', 'recruiter')),
    state            text NOT NULL CHECK (state IN ('waiting', 'held', 'calling', 'ended')),
    opened_at        timestamptz NOT NULL,               -- business
    due_at           timestamptz,                        -- business: the next call
    callback_at      timestamptz,                        -- business: what the candidate asked for
    number           text,                               -- E.164: the one to be called next
    planned_with     text,                               -- fingerprint of the settings that due_at was found with
    handed_until     timestamptz,                        -- a dialer was told; told again after this
    withdraw_because text,
    outcome          text CHECK (outcome IN ('completed', 'exhausted', 'unfinished', 'refused', 'human_requested',
                                             'uncallable', 'withdrawn')),
    ended_at         timestamptz,                        -- business
    CHECK ((state = 'ended') = (outcome IS NOT NULL)),
    CHECK ((state = 'ended') = (ended_at IS NOT NULL)),
    CHECK (state <> 'waiting' OR due_at IS NOT NULL)
);
CREATE INDEX outreaches_due ON outreaches (due_at) WHERE state = 'waiting';
CREATE INDEX outreaches_of_company ON outreaches (company_id) WHERE state IN ('waiting', 'held');
CREATE INDEX outreaches_calling ON outreaches (id) WHERE state = 'calling';
CREATE INDEX outreaches_going_on ON outreaches (stay_id) WHERE state <> 'ended';
CREATE INDEX outreaches_ended ON outreaches (ended_at) WHERE state = 'ended';
CREATE INDEX outreaches_of_candidate ON outreaches (company_id, candidate_id);

-- Outreaches whose call is due and which a dialer has been asked to place.
CREATE TABLE dials (
    outreach_id uuid PRIMARY KEY REFERENCES outreaches ON DELETE CASCADE,
    tries       integer NOT NULL DEFAULT 0,
    due_at      timestamptz NOT NULL DEFAULT now(),
    because     text                                     -- why it was put off the last time
);
CREATE INDEX dials_due ON dials (due_at);

-- One outbound call. Committed before the phone company hears of it.
CREATE TABLE attempts (
    id            uuid PRIMARY KEY,
    outreach_id   uuid NOT NULL REFERENCES outreaches,
    company_id    bigint NOT NULL,
    candidate_id  bigint NOT NULL,
    number        integer NOT NULL CHECK (number BETWEEN 1 AND 200),
    e164          text NOT NULL,
    caller        text NOT NULL,
    provider      text NOT NULL,
    provider_ref  text UNIQUE,
    state         text NOT NULL CHECK (state IN ('claimed', 'placing', 'unclear', 'placed', 'ringing', 'talking', 'ended')),
    state_since   timestamptz NOT NULL DEFAULT now(),
    looked_at     timestamptz,                           -- when the phone company was last asked about it
    claimed_at    timestamptz NOT NULL,                  -- business
    placed_at     timestamptz,                           -- business: when the request went out
    placing_since timestamptz,
    ringing_at    timestamptz,                           -- business
    answered_at   timestamptz,                           -- business
    ended_at      timestamptz,                           -- business
    call_status   text,
    answered_by   text,
    sip_code      integer,
    error_code    text,
    hang_up_because text,                                -- we want it to end; asked of the phone company
    hung_up_at    timestamptz,                           -- and when it was asked
    disposition   text CHECK (disposition IN ('interviewed', 'appointment_booked', 'partly_interviewed', 'hung_up',
                      'callback_requested', 'declined', 'opted_out', 'human_requested', 'wrong_person', 'voicemail',
                      'no_answer', 'busy', 'invalid_number', 'technical_failure', 'not_placed', 'cancelled')),
    UNIQUE (outreach_id, number),
    CHECK ((state = 'ended') = (disposition IS NOT NULL)),
    CHECK ((state = 'ended') = (ended_at IS NOT NULL)),
    CHECK (state IN ('claimed', 'ended') OR placed_at IS NOT NULL)
);
CREATE UNIQUE INDEX one_open_attempt ON attempts (outreach_id) WHERE state <> 'ended';
CREATE UNIQUE INDEX one_live_call_to_a_number ON attempts (e164) WHERE state <> 'ended';
CREATE INDEX attempts_open ON attempts (state, state_since) WHERE state <> 'ended';
CREATE INDEX attempts_to_number ON attempts (e164);

-- The last line: whatever the code believes, these calls are never made.
CREATE FUNCTION attempts_refuse() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    zone text;
    allowed integer;
    counted integer;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.state = 'ended' AND NEW.state <> 'ended' THEN
            RAISE EXCEPTION 'attempt % has ended and cannot go on', OLD.id USING ERRCODE = 'check_violation', CONSTRAINT = 'attempt_ended';
        END IF;
        IF OLD.state NOT IN ('claimed', 'placing') AND NEW.state IN ('claimed', 'placing')
           OR OLD.state = 'placing' AND NEW.state = 'claimed' THEN
            RAISE EXCEPTION 'attempt % was sent once and is never sent again', OLD.id USING ERRCODE = 'check_violation', CONSTRAINT = 'attempt_sent_once';
        END IF;
        IF NOT (OLD.state = 'claimed' AND NEW.state = 'placing') THEN
            RETURN NEW;
        END IF;
    END IF;
    SELECT c.time_zone, s.max_attempts + (CASE WHEN o.callback_at IS NULL THEN 0 ELSE 1 END) INTO zone, allowed
      FROM outreaches o JOIN companies c ON c.company_id = o.company_id JOIN call_settings s ON s.company_id = o.company_id
     WHERE o.id = NEW.outreach_id;
    IF zone IS NULL THEN
        RAISE EXCEPTION 'company % has no settings and calls nobody', NEW.company_id USING ERRCODE = 'check_violation', CONSTRAINT = 'attempt_without_settings';
    END IF;
    IF extract(isodow FROM coalesce(NEW.placed_at, NEW.claimed_at) AT TIME ZONE zone) = 7 THEN
        RAISE EXCEPTION 'never on a Sunday' USING ERRCODE = 'check_violation', CONSTRAINT = 'attempt_never_on_sunday';
    END IF;
    SELECT count(*) INTO counted FROM attempts
     WHERE outreach_id = NEW.outreach_id AND id <> NEW.id
       AND (disposition IS NULL OR disposition NOT IN ('invalid_number', 'technical_failure', 'not_placed'));
    IF counted >= allowed THEN
        RAISE EXCEPTION 'the maximum of % attempts is reached', allowed USING ERRCODE = 'check_violation', CONSTRAINT = 'attempt_maximum';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER attempts_refuse BEFORE INSERT OR UPDATE OF state ON attempts FOR EACH ROW EXECUTE FUNCTION attempts_refuse();

-- What the phone company told about calls; its own key makes a doubled callback one row.
CREATE TABLE call_events (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    attempt_id  uuid NOT NULL REFERENCES attempts,
    dedup_key   text NOT NULL UNIQUE,
    ref         text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('status', 'machine')),
    call_status text,
    answered_by text,
    sip_code    integer,
    error_code  text,
    received_at timestamptz NOT NULL DEFAULT now(),
    applied_at  timestamptz
);
CREATE INDEX call_events_open ON call_events (attempt_id) WHERE applied_at IS NULL;

-- The spoken conversation of an attempt, stored after each turn.
CREATE TABLE conversations (
    attempt_id  uuid PRIMARY KEY REFERENCES attempts,
    outreach_id uuid NOT NULL REFERENCES outreaches,
    script      jsonb NOT NULL,
    state       jsonb NOT NULL,
    took_up     integer NOT NULL DEFAULT 0,              -- how often the line was taken up again
    disposition text,
    begun_at    timestamptz NOT NULL DEFAULT now(),
    fault       text,                                    -- our side broke off, and how; cleared by the next turn
    updated_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE transcript_lines (
    attempt_id uuid NOT NULL REFERENCES attempts,
    seq        integer NOT NULL,
    at         timestamptz NOT NULL,                     -- business
    speaker    text NOT NULL CHECK (speaker IN ('klara', 'candidate')),
    said       text NOT NULL,
    wording    text,                                     -- catalogue key and version of Klara's own sentence
    played     text CHECK (played IN ('yes', 'no', 'not_known')),
    PRIMARY KEY (attempt_id, seq)
);

CREATE TABLE answers (
    outreach_id   uuid NOT NULL REFERENCES outreaches,
    question_key  text NOT NULL,
    position      integer NOT NULL,
    question_text text NOT NULL,
    kind          text NOT NULL,
    heard         text NOT NULL,
    meaning       text,
    attempt_id    uuid NOT NULL REFERENCES attempts,
    given_at      timestamptz NOT NULL,                  -- business
    PRIMARY KEY (outreach_id, question_key)
);
CREATE INDEX answers_of_attempt ON answers (attempt_id);

-- People who said no: not called again by this company, whatever the job.
CREATE TABLE opt_outs (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id   bigint NOT NULL,
    candidate_id bigint,
    e164         text,
    at           timestamptz NOT NULL,                   -- business
    attempt_id   uuid REFERENCES attempts,
    CHECK (candidate_id IS NOT NULL OR e164 IS NOT NULL)
);
CREATE INDEX opt_outs_by_candidate ON opt_outs (company_id, candidate_id);
CREATE INDEX opt_outs_by_number ON opt_outs (company_id, e164);

-- What is owed to Recruitee about an outreach that has ended: a note, then a move, each once.
CREATE TABLE writebacks (
    id              uuid PRIMARY KEY,                    -- stands in the note, which is looked for before it is written
    outreach_id     uuid NOT NULL REFERENCES outreaches,
    company_id      bigint NOT NULL,
    due_at          timestamptz NOT NULL DEFAULT now(),
    tries           integer NOT NULL DEFAULT 0,
    lease           uuid,                                -- of whoever has it in hand
    note_id         bigint,
    move            text NOT NULL DEFAULT 'open' CHECK (move IN ('open', 'moved', 'not_wanted', 'not_possible')),
    moved_to        bigint,
    fault           text,
    done_at         timestamptz                          -- business
);
CREATE INDEX writebacks_of_outreach ON writebacks (outreach_id);
CREATE INDEX writebacks_due ON writebacks (due_at) WHERE done_at IS NULL;

-- Everything that was decided about one candidate, in order.
CREATE TABLE timeline (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id   bigint NOT NULL,
    candidate_id bigint NOT NULL,
    offer_id     bigint,
    outreach_id  uuid,
    attempt_id   uuid,
    at           timestamptz NOT NULL,                   -- business
    event        text NOT NULL,
    rule         text,
    details      jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX timeline_of_candidate ON timeline (company_id, candidate_id, id);

-- The lines to the phone companies, shared by every dialer: whoever locks the row places the next call.
CREATE TABLE trunks (
    provider     text PRIMARY KEY,
    next_call_at timestamptz NOT NULL DEFAULT now(),
    paused_until timestamptz,
    paused_because text
);

-- migrate:down

DROP TABLE trunks, timeline, writebacks, opt_outs, answers, transcript_lines, conversations, call_events, attempts, dials,
    outreaches, stays, offers, candidates, candidate_reads, stage_watches, webhook_events;
DROP FUNCTION attempts_refuse();
DROP SEQUENCE readings;
