-- migrate:up

-- Another program may write these tables with plain SQL; docs/settings.md is the contract. So the database itself
-- refuses what may not be, and what a save does in several steps is checked at its commit.

CREATE TABLE companies (
    company_id bigint NOT NULL,
    name text NOT NULL,
    time_zone text NOT NULL,
    country text NOT NULL,
    subdivision text,
    language text NOT NULL,
    caller_number text NOT NULL,
    CONSTRAINT companies_pkey PRIMARY KEY (company_id),
    CONSTRAINT companies_company_id_is_an_id CHECK (company_id BETWEEN 1 AND 999999999999),
    CONSTRAINT companies_name_is_not_blank CHECK (btrim(name) <> '' AND length(name) <= 200),
    CONSTRAINT companies_country_is_two_letters CHECK (country ~ '^[A-Z]{2}$'),
    CONSTRAINT companies_subdivision_is_a_code CHECK (btrim(subdivision) = subdivision AND length(subdivision) BETWEEN 1 AND 40),
    CONSTRAINT companies_language_is_two_letters CHECK (language ~ '^[a-z]{2}$'),
    CONSTRAINT companies_caller_number_is_e164 CHECK (caller_number ~ '^\+[1-9][0-9]{6,14}$')
);

CREATE TABLE call_settings (
    company_id bigint NOT NULL,
    max_attempts integer NOT NULL,
    attempts_per_day integer NOT NULL,
    weekdays text[] NOT NULL,
    pause_minutes integer NOT NULL DEFAULT 180,
    first_call_delay_minutes integer NOT NULL DEFAULT 3,
    max_per_30_days integer NOT NULL DEFAULT 10,
    observe_public_holidays boolean NOT NULL DEFAULT true,
    closed_days date[] NOT NULL DEFAULT '{}',
    CONSTRAINT call_settings_pkey PRIMARY KEY (company_id),
    CONSTRAINT call_settings_company_fkey FOREIGN KEY (company_id) REFERENCES companies DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT call_settings_max_attempts_1_to_20 CHECK (max_attempts BETWEEN 1 AND 20),
    CONSTRAINT call_settings_attempts_per_day_1_to_10 CHECK (attempts_per_day BETWEEN 1 AND 10),
    CONSTRAINT call_settings_never_on_sunday CHECK (array_position(weekdays, 'sun') IS NULL),
    -- A list within the six days, of which each stands in it once or not at all, has as many items as days that it names.
    CONSTRAINT call_settings_weekdays_are_days_once CHECK (
        cardinality(weekdays) BETWEEN 1 AND 6
        AND array_ndims(weekdays) = 1
        AND weekdays <@ ARRAY['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
        AND cardinality(weekdays)
            = ('mon' = ANY (weekdays))::int + ('tue' = ANY (weekdays))::int + ('wed' = ANY (weekdays))::int
            + ('thu' = ANY (weekdays))::int + ('fri' = ANY (weekdays))::int + ('sat' = ANY (weekdays))::int
            + ('sun' = ANY (weekdays))::int
    ),
    CONSTRAINT call_settings_pause_is_at_most_a_week CHECK (pause_minutes BETWEEN 0 AND 10080),
    CONSTRAINT call_settings_first_call_delay_is_at_most_a_week CHECK (first_call_delay_minutes BETWEEN 0 AND 10080),
    CONSTRAINT call_settings_max_per_30_days_1_to_100 CHECK (max_per_30_days BETWEEN 1 AND 100),
    CONSTRAINT call_settings_closed_days_are_days CHECK (
        cardinality(closed_days) <= 1000
        AND array_position(closed_days, NULL) IS NULL
        AND date '2000-01-01' <= ALL (closed_days)
        AND date '2999-12-31' >= ALL (closed_days)
    )
);

CREATE TABLE calling_windows (
    company_id bigint NOT NULL,
    opens time NOT NULL,
    closes time NOT NULL,
    CONSTRAINT calling_windows_pkey PRIMARY KEY (company_id, opens),
    CONSTRAINT calling_windows_company_fkey FOREIGN KEY (company_id) REFERENCES companies DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT calling_windows_company_id_is_an_id CHECK (company_id BETWEEN 1 AND 999999999999),
    CONSTRAINT calling_windows_close_after_they_open CHECK (opens < closes),
    CONSTRAINT calling_windows_are_whole_minutes CHECK (extract(second FROM opens) = 0 AND extract(second FROM closes) = 0),
    -- One line of seconds for all companies, a day for each: a plain range type can then tell an overlap without btree_gist.
    CONSTRAINT calling_windows_do_not_overlap EXCLUDE USING gist (
        int8range(
            company_id * 86400 + extract(epoch FROM opens)::bigint,
            company_id * 86400 + extract(epoch FROM closes)::bigint
        ) WITH &&
    ) DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE question_sets (
    company_id bigint NOT NULL,
    question_set text NOT NULL,
    language text NOT NULL,
    CONSTRAINT question_sets_pkey PRIMARY KEY (company_id, question_set),
    CONSTRAINT question_sets_company_fkey FOREIGN KEY (company_id) REFERENCES companies DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT question_sets_question_set_is_a_key CHECK (question_set ~ '^[A-Za-z0-9_-]{1,64}$'),
    CONSTRAINT question_sets_language_is_two_letters CHECK (language ~ '^[a-z]{2}$')
);

CREATE TABLE questions (
    company_id bigint NOT NULL,
    question_set text NOT NULL,
    position integer NOT NULL,
    key text NOT NULL,
    text text NOT NULL,
    kind text NOT NULL DEFAULT 'text',
    required boolean NOT NULL DEFAULT true,
    CONSTRAINT questions_pkey PRIMARY KEY (company_id, question_set, key),
    CONSTRAINT questions_question_set_fkey FOREIGN KEY (company_id, question_set) REFERENCES question_sets
        DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT questions_position_is_taken_once UNIQUE (company_id, question_set, position) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT questions_position_1_to_1000 CHECK (position BETWEEN 1 AND 1000),
    CONSTRAINT questions_key_is_a_key CHECK (key ~ '^[A-Za-z0-9_-]{1,64}$'),
    CONSTRAINT questions_text_is_not_blank CHECK (btrim(text) <> '' AND length(text) <= 1000),
    CONSTRAINT questions_kind_is_built CHECK (kind IN ('text', 'yes_no', 'number'))
);

CREATE TABLE hosts (
    company_id bigint NOT NULL,
    host text NOT NULL,
    name text NOT NULL,
    recruitee_admin_id bigint,
    language text,
    CONSTRAINT hosts_pkey PRIMARY KEY (company_id, host),
    CONSTRAINT hosts_company_fkey FOREIGN KEY (company_id) REFERENCES companies DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT hosts_host_is_a_key CHECK (host ~ '^[A-Za-z0-9_-]{1,64}$'),
    CONSTRAINT hosts_name_is_not_blank CHECK (btrim(name) <> '' AND length(name) <= 200),
    CONSTRAINT hosts_recruitee_admin_id_is_an_id CHECK (recruitee_admin_id > 0),
    CONSTRAINT hosts_language_is_two_letters CHECK (language ~ '^[a-z]{2}$')
);

CREATE TABLE watched_stages (
    company_id bigint NOT NULL,
    offer_id bigint NOT NULL,
    stage_id bigint NOT NULL,
    mode text NOT NULL,
    target text NOT NULL DEFAULT 'next',
    target_stage_id bigint,
    move_when text NOT NULL DEFAULT 'completed',
    question_set text,
    host text,
    call_those_already_there boolean NOT NULL DEFAULT false,
    CONSTRAINT watched_stages_pkey PRIMARY KEY (company_id, offer_id, stage_id),
    CONSTRAINT watched_stages_company_fkey FOREIGN KEY (company_id) REFERENCES companies DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT watched_stages_question_set_fkey FOREIGN KEY (company_id, question_set) REFERENCES question_sets
        DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT watched_stages_host_fkey FOREIGN KEY (company_id, host) REFERENCES hosts DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT watched_stages_ids_are_ids CHECK (offer_id > 0 AND stage_id > 0 AND target_stage_id > 0),
    CONSTRAINT watched_stages_mode_is_known CHECK (mode IN ('interview', 'recruiter')),
    -- To be dropped by the migration that comes with recruiter mode.
    CONSTRAINT watched_stages_recruiter_mode_is_not_built CHECK (mode <> 'recruiter'),
    CONSTRAINT watched_stages_interview_has_questions CHECK (mode <> 'interview' OR question_set IS NOT NULL),
    CONSTRAINT watched_stages_host_is_for_recruiter_mode CHECK (mode = 'recruiter' OR host IS NULL),
    CONSTRAINT watched_stages_target_is_known CHECK (target IN ('next', 'none', 'stage')),
    CONSTRAINT watched_stages_target_stage_has_its_id CHECK ((target = 'stage') = (target_stage_id IS NOT NULL)),
    CONSTRAINT watched_stages_target_is_another_stage CHECK (target_stage_id <> stage_id),
    CONSTRAINT watched_stages_move_when_is_known CHECK (move_when IN ('completed', 'reached'))
);

CREATE TABLE settings_history (
    id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT now(),
    who text NOT NULL,
    company_id bigint NOT NULL,
    table_name text NOT NULL,
    row_key jsonb NOT NULL,
    operation text NOT NULL,
    before jsonb,
    after jsonb,
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT settings_history_pkey PRIMARY KEY (id),
    CONSTRAINT settings_history_operation_is_known CHECK (operation IN ('insert', 'update', 'delete'))
);
CREATE INDEX settings_history_company_idx ON settings_history (company_id, id);
CREATE INDEX settings_history_transaction_idx ON settings_history (transaction_id, table_name, row_key);

-- No foreign key: a company may get its token before its settings or after them.
CREATE TABLE company_secrets (
    company_id bigint NOT NULL,
    recruitee_token text,
    webhook_secret text,
    connection text NOT NULL DEFAULT 'connected',
    connection_changed_at timestamptz NOT NULL DEFAULT now(),
    reconnect_reason text,
    CONSTRAINT company_secrets_pkey PRIMARY KEY (company_id),
    CONSTRAINT company_secrets_company_id_is_an_id CHECK (company_id BETWEEN 1 AND 999999999999),
    -- Every Fernet token starts so: a secret in clear is refused.
    CONSTRAINT company_secrets_are_encrypted CHECK (recruitee_token LIKE 'gAAAA%' AND webhook_secret LIKE 'gAAAA%'),
    CONSTRAINT company_secrets_connection_is_known CHECK (connection IN ('connected', 'reconnect'))
);

-- AT TIME ZONE takes "Foo5" for a zone; only the exact names are names.
CREATE FUNCTION klara_check_time_zone() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.time_zone ~ '^(posix|right)/|^(posixrules|localtime|Factory)$'
        OR NOT EXISTS (SELECT FROM pg_timezone_names WHERE name = NEW.time_zone)
    THEN
        RAISE check_violation USING
            MESSAGE = format('%L is not the name of a time zone', NEW.time_zone),
            HINT = 'Use a name of the tz database, spelled exactly, such as Europe/Berlin.',
            TABLE = 'companies', COLUMN = 'time_zone', CONSTRAINT = 'companies_time_zone_is_known';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER check_time_zone_of_new BEFORE INSERT ON companies
    FOR EACH ROW EXECUTE FUNCTION klara_check_time_zone();
CREATE TRIGGER check_time_zone_of_changed BEFORE UPDATE ON companies
    FOR EACH ROW WHEN (OLD.time_zone IS DISTINCT FROM NEW.time_zone) EXECUTE FUNCTION klara_check_time_zone();

-- What one transaction does to one row leaves one line: a save that deletes a row and inserts it anew is an update, or
-- nothing when the row is as it was.
CREATE FUNCTION klara_note_settings_change(changed_table text, changed_key jsonb, was jsonb, became jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    earlier settings_history%ROWTYPE;
BEGIN
    SELECT * INTO earlier FROM settings_history
    WHERE transaction_id = pg_current_xact_id() AND table_name = changed_table AND row_key = changed_key
        -- In a database that was restored from a dump, old numbers of transactions come again.
        AND at = now();
    IF FOUND THEN
        was := earlier.before;
        DELETE FROM settings_history WHERE id = earlier.id;
    END IF;
    IF was IS DISTINCT FROM became THEN
        INSERT INTO settings_history (who, company_id, table_name, row_key, operation, before, after)
        VALUES (
            left(coalesce(nullif(current_setting('klara.who', true), ''), session_user), 200),
            (changed_key ->> 'company_id')::bigint,
            changed_table,
            changed_key,
            CASE WHEN was IS NULL THEN 'insert' WHEN became IS NULL THEN 'delete' ELSE 'update' END,
            was,
            became
        );
    END IF;
END $$;

-- Its arguments are the columns of the primary key.
CREATE FUNCTION klara_settings_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    old_row jsonb;
    new_row jsonb;
    old_key jsonb;
    new_key jsonb;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        old_row := to_jsonb(OLD);
        old_key := (SELECT jsonb_object_agg(name, old_row -> name) FROM unnest(TG_ARGV) AS name);
        PERFORM pg_notify('klara_settings', OLD.company_id::text);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        new_row := to_jsonb(NEW);
        new_key := (SELECT jsonb_object_agg(name, new_row -> name) FROM unnest(TG_ARGV) AS name);
        PERFORM pg_notify('klara_settings', NEW.company_id::text);
    END IF;
    IF old_key = new_key THEN
        PERFORM klara_note_settings_change(TG_TABLE_NAME, new_key, old_row, new_row);
        RETURN NULL;
    END IF;
    IF old_key IS NOT NULL THEN
        PERFORM klara_note_settings_change(TG_TABLE_NAME, old_key, old_row, NULL);
    END IF;
    IF new_key IS NOT NULL THEN
        PERFORM klara_note_settings_change(TG_TABLE_NAME, new_key, NULL, new_row);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON companies
    FOR EACH ROW EXECUTE FUNCTION klara_settings_changed('company_id');
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON call_settings
    FOR EACH ROW EXECUTE FUNCTION klara_settings_changed('company_id');
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON calling_windows
    FOR EACH ROW EXECUTE FUNCTION klara_settings_changed('company_id', 'opens');
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON question_sets
    FOR EACH ROW EXECUTE FUNCTION klara_settings_changed('company_id', 'question_set');
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON questions
    FOR EACH ROW EXECUTE FUNCTION klara_settings_changed('company_id', 'question_set', 'key');
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON hosts
    FOR EACH ROW EXECUTE FUNCTION klara_settings_changed('company_id', 'host');
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON watched_stages
    FOR EACH ROW EXECUTE FUNCTION klara_settings_changed('company_id', 'offer_id', 'stage_id');

-- A new token or a mended connection is worth waking for, too. Secrets leave no history.
CREATE FUNCTION klara_company_secrets_changed() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM pg_notify('klara_settings', coalesce(NEW.company_id, OLD.company_id)::text);
    RETURN NULL;
END $$;

CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON company_secrets
    FOR EACH ROW EXECUTE FUNCTION klara_company_secrets_changed();

REVOKE EXECUTE ON FUNCTION klara_check_time_zone(), klara_note_settings_change(text, jsonb, jsonb, jsonb),
    klara_settings_changed(), klara_company_secrets_changed() FROM PUBLIC;

-- Roles belong to the whole cluster: another database of it, migrated at this moment, may have made this one.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'klara_settings') THEN
        CREATE ROLE klara_settings NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN
        NULL;
END $$;

GRANT USAGE ON SCHEMA public TO klara_settings;
GRANT SELECT, INSERT, UPDATE, DELETE
    ON companies, call_settings, calling_windows, question_sets, questions, hosts, watched_stages TO klara_settings;
GRANT SELECT ON settings_history TO klara_settings;

-- migrate:down

-- The role stays: it belongs to the cluster, and people may be members of it.
REVOKE USAGE ON SCHEMA public FROM klara_settings;
DROP TABLE company_secrets, settings_history, watched_stages, hosts, questions, question_sets, calling_windows,
    call_settings, companies;
DROP FUNCTION klara_company_secrets_changed(), klara_settings_changed(),
    klara_note_settings_change(text, jsonb, jsonb, jsonb), klara_check_time_zone();
