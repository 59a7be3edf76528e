-- What the calling rule asks for beyond one outreach: calls for other jobs, the lines and their turns, pauses, opt-outs by hand.

-- migrate:up

ALTER TABLE call_settings ADD COLUMN calls_at_once integer;
ALTER TABLE call_settings ADD CONSTRAINT call_settings_calls_at_once_1_to_10000 CHECK (calls_at_once BETWEEN 1 AND 10000);

-- Who is not to be called at all for now: one company, or with 0 every one. A dashboard may write it, as the settings.
CREATE TABLE calling_pauses (
    company_id bigint NOT NULL,
    paused_at timestamptz NOT NULL DEFAULT now(),
    who text NOT NULL,
    why text NOT NULL,
    CONSTRAINT calling_pauses_pkey PRIMARY KEY (company_id),
    CONSTRAINT calling_pauses_company_id_is_an_id_or_0 CHECK (company_id BETWEEN 0 AND 999999999999),
    CONSTRAINT calling_pauses_why_is_not_blank CHECK (btrim(why) <> '' AND length(why) <= 500),
    CONSTRAINT calling_pauses_who_is_not_blank CHECK (btrim(who) <> '' AND length(who) <= 200)
);
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON calling_pauses
    FOR EACH ROW EXECUTE FUNCTION klara_settings_changed('company_id');
GRANT SELECT, INSERT, UPDATE, DELETE ON calling_pauses TO klara_settings;

-- Numbers that companies call from and that the phone company refuses to show: nobody shows them for a while.
CREATE TABLE refused_callers (
    caller text NOT NULL PRIMARY KEY,
    because text NOT NULL,
    refused_until timestamptz NOT NULL
);

-- What was never placed or failed technically is tried again without end, so attempts are numbered without end.
ALTER TABLE attempts DROP CONSTRAINT attempts_number_check, ADD CONSTRAINT attempts_number_check CHECK (number >= 1);

-- Recruitee's wish to wait stands apart from the next look that is planned: a webhook may bring that one forward.
ALTER TABLE stage_watches ADD COLUMN wait_until timestamptz;

-- Opt-outs by hand say who entered them and why; one that was taken back stays, with who did and why.
ALTER TABLE opt_outs
    ADD COLUMN who text NOT NULL DEFAULT 'the candidate',
    ADD COLUMN why text NOT NULL DEFAULT 'said so in a call',
    ADD COLUMN removed_at timestamptz,                     -- business
    ADD COLUMN removed_by text,
    ADD COLUMN removed_why text;
ALTER TABLE opt_outs ADD CONSTRAINT opt_outs_removal_is_whole
    CHECK (num_nulls(removed_at, removed_by, removed_why) IN (0, 3));
DROP INDEX opt_outs_by_candidate, opt_outs_by_number;
CREATE INDEX opt_outs_by_candidate ON opt_outs (company_id, candidate_id) WHERE removed_at IS NULL;
CREATE INDEX opt_outs_by_number ON opt_outs (company_id, e164) WHERE removed_at IS NULL;

-- Rule 6: a person is known by number and by candidate.
DROP INDEX attempts_to_number;
CREATE INDEX attempts_to_number ON attempts (e164, company_id);
CREATE INDEX attempts_of_candidate ON attempts (company_id, candidate_id);
-- What the circuit breaker counts.
CREATE INDEX attempts_of_trunk ON attempts (provider, state_since) WHERE state = 'ended';

-- Calls are handed out and claimed in turns among companies: the lowest turn is next.
ALTER TABLE dials ADD COLUMN company_id bigint, ADD COLUMN turn bigint NOT NULL DEFAULT 0;
UPDATE dials SET company_id = (SELECT o.company_id FROM outreaches o WHERE o.id = dials.outreach_id);
ALTER TABLE dials ALTER COLUMN company_id SET NOT NULL;
DROP INDEX dials_due;
CREATE INDEX dials_in_turn ON dials (turn, due_at);
CREATE INDEX dials_of_company ON dials (company_id, turn);

DROP INDEX outreaches_of_company;
CREATE INDEX outreaches_due_of_company ON outreaches (company_id, due_at) WHERE state = 'waiting';
CREATE INDEX outreaches_planned ON outreaches (company_id, planned_with, id) WHERE state IN ('waiting', 'held');
CREATE INDEX outreaches_of_offer ON outreaches (company_id, offer_id) WHERE state IN ('waiting', 'held');
UPDATE outreaches SET planned_with = '' WHERE planned_with IS NULL;
ALTER TABLE outreaches ALTER COLUMN planned_with SET DEFAULT '', ALTER COLUMN planned_with SET NOT NULL;
ALTER TABLE outreaches ADD COLUMN held_because text;       -- the codes of the rules that hold it

-- The circuit breaker: after a pause a single call is tried; only calls since it last closed are counted.
ALTER TABLE trunks ADD COLUMN counted_since timestamptz NOT NULL DEFAULT now();
-- The phone company's wish to wait after too many requests at once: not a failure, and no trial follows.
ALTER TABLE trunks ADD COLUMN wait_until timestamptz;

-- Whose doing the end of a talk is: nobody is held to have hung up of whom that is not known.
ALTER TABLE conversations ADD COLUMN person_left boolean NOT NULL DEFAULT false;  -- closed the line; cleared as `fault` is

-- migrate:down

ALTER TABLE conversations DROP COLUMN person_left;
ALTER TABLE trunks DROP COLUMN counted_since, DROP COLUMN wait_until;
ALTER TABLE outreaches DROP COLUMN held_because;
ALTER TABLE outreaches ALTER COLUMN planned_with DROP NOT NULL, ALTER COLUMN planned_with DROP DEFAULT;
DROP INDEX outreaches_due_of_company, outreaches_planned, outreaches_of_offer;
CREATE INDEX outreaches_of_company ON outreaches (company_id) WHERE state IN ('waiting', 'held');
DROP INDEX dials_in_turn, dials_of_company;
ALTER TABLE dials DROP COLUMN company_id, DROP COLUMN turn;
CREATE INDEX dials_due ON dials (due_at);
DROP INDEX attempts_of_trunk, attempts_of_candidate, attempts_to_number;
CREATE INDEX attempts_to_number ON attempts (e164);
DROP INDEX opt_outs_by_candidate, opt_outs_by_number;
ALTER TABLE opt_outs DROP COLUMN who, DROP COLUMN why, DROP COLUMN removed_at, DROP COLUMN removed_by, DROP COLUMN removed_why;
CREATE INDEX opt_outs_by_candidate ON opt_outs (company_id, candidate_id);
CREATE INDEX opt_outs_by_number ON opt_outs (company_id, e164);
ALTER TABLE stage_watches DROP COLUMN wait_until;
ALTER TABLE attempts DROP CONSTRAINT attempts_number_check,
    ADD CONSTRAINT attempts_number_check CHECK (number BETWEEN 1 AND 200) NOT VALID;
DROP TABLE calling_pauses, refused_callers;
ALTER TABLE call_settings DROP COLUMN calls_at_once;
