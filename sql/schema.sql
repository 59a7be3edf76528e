--
-- PostgreSQL database dump
--

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: attempts_refuse(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.attempts_refuse() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public'
    AS $$
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

--
-- Name: klara_check_time_zone(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.klara_check_time_zone() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $_$
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
END $_$;

--
-- Name: klara_company_secrets_changed(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.klara_company_secrets_changed() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
    PERFORM pg_notify('klara_settings', coalesce(NEW.company_id, OLD.company_id)::text);
    RETURN NULL;
END $$;

--
-- Name: klara_note_settings_change(text, jsonb, jsonb, jsonb); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.klara_note_settings_change(changed_table text, changed_key jsonb, was jsonb, became jsonb) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

--
-- Name: klara_settings_changed(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.klara_settings_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: answers; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.answers (
    outreach_id uuid NOT NULL,
    question_key text NOT NULL,
    "position" integer NOT NULL,
    question_text text NOT NULL,
    kind text NOT NULL,
    heard text NOT NULL,
    meaning text,
    attempt_id uuid NOT NULL,
    given_at timestamp with time zone NOT NULL
);

--
-- Name: attempts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.attempts (
    id uuid NOT NULL,
    outreach_id uuid NOT NULL,
    company_id bigint NOT NULL,
    candidate_id bigint NOT NULL,
    number integer NOT NULL,
    e164 text NOT NULL,
    caller text NOT NULL,
    provider text NOT NULL,
    provider_ref text,
    state text NOT NULL,
    state_since timestamp with time zone DEFAULT now() NOT NULL,
    looked_at timestamp with time zone,
    claimed_at timestamp with time zone NOT NULL,
    placed_at timestamp with time zone,
    placing_since timestamp with time zone,
    ringing_at timestamp with time zone,
    answered_at timestamp with time zone,
    ended_at timestamp with time zone,
    call_status text,
    answered_by text,
    sip_code integer,
    error_code text,
    hang_up_because text,
    hung_up_at timestamp with time zone,
    disposition text,
    CONSTRAINT attempts_check CHECK (((state = 'ended'::text) = (disposition IS NOT NULL))),
    CONSTRAINT attempts_check1 CHECK (((state = 'ended'::text) = (ended_at IS NOT NULL))),
    CONSTRAINT attempts_check2 CHECK (((state = ANY (ARRAY['claimed'::text, 'ended'::text])) OR (placed_at IS NOT NULL))),
    CONSTRAINT attempts_disposition_check CHECK ((disposition = ANY (ARRAY['interviewed'::text, 'appointment_booked'::text, 'partly_interviewed'::text, 'hung_up'::text, 'callback_requested'::text, 'declined'::text, 'opted_out'::text, 'human_requested'::text, 'wrong_person'::text, 'voicemail'::text, 'no_answer'::text, 'busy'::text, 'invalid_number'::text, 'technical_failure'::text, 'not_placed'::text, 'cancelled'::text]))),
    CONSTRAINT attempts_number_check CHECK ((number >= 1)),
    CONSTRAINT attempts_state_check CHECK ((state = ANY (ARRAY['claimed'::text, 'placing'::text, 'unclear'::text, 'placed'::text, 'ringing'::text, 'talking'::text, 'ended'::text])))
);

--
-- Name: call_events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.call_events (
    id bigint NOT NULL,
    attempt_id uuid NOT NULL,
    dedup_key text NOT NULL,
    ref text NOT NULL,
    kind text NOT NULL,
    call_status text,
    answered_by text,
    sip_code integer,
    error_code text,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    applied_at timestamp with time zone,
    CONSTRAINT call_events_kind_check CHECK ((kind = ANY (ARRAY['status'::text, 'machine'::text])))
);

--
-- Name: call_events_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.call_events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.call_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: call_settings; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.call_settings (
    company_id bigint NOT NULL,
    max_attempts integer NOT NULL,
    attempts_per_day integer NOT NULL,
    weekdays text[] NOT NULL,
    pause_minutes integer DEFAULT 180 NOT NULL,
    first_call_delay_minutes integer DEFAULT 3 NOT NULL,
    max_per_30_days integer DEFAULT 10 NOT NULL,
    observe_public_holidays boolean DEFAULT true NOT NULL,
    closed_days date[] DEFAULT '{}'::date[] NOT NULL,
    calls_at_once integer,
    CONSTRAINT call_settings_attempts_per_day_1_to_10 CHECK (((attempts_per_day >= 1) AND (attempts_per_day <= 10))),
    CONSTRAINT call_settings_calls_at_once_1_to_10000 CHECK (((calls_at_once >= 1) AND (calls_at_once <= 10000))),
    CONSTRAINT call_settings_closed_days_are_days CHECK (((cardinality(closed_days) <= 1000) AND (array_position(closed_days, NULL::date) IS NULL) AND ('2000-01-01'::date <= ALL (closed_days)) AND ('2999-12-31'::date >= ALL (closed_days)))),
    CONSTRAINT call_settings_first_call_delay_is_at_most_a_week CHECK (((first_call_delay_minutes >= 0) AND (first_call_delay_minutes <= 10080))),
    CONSTRAINT call_settings_max_attempts_1_to_20 CHECK (((max_attempts >= 1) AND (max_attempts <= 20))),
    CONSTRAINT call_settings_max_per_30_days_1_to_100 CHECK (((max_per_30_days >= 1) AND (max_per_30_days <= 100))),
    CONSTRAINT call_settings_never_on_sunday CHECK ((array_position(weekdays, 'sun'::text) IS NULL)),
    CONSTRAINT call_settings_pause_is_at_most_a_week CHECK (((pause_minutes >= 0) AND (pause_minutes <= 10080))),
    CONSTRAINT call_settings_weekdays_are_days_once CHECK ((((cardinality(weekdays) >= 1) AND (cardinality(weekdays) <= 6)) AND (array_ndims(weekdays) = 1) AND (weekdays <@ ARRAY['mon'::text, 'tue'::text, 'wed'::text, 'thu'::text, 'fri'::text, 'sat'::text, 'sun'::text]) AND (cardinality(weekdays) = (((((((('mon'::text = ANY (weekdays)))::integer + (('tue'::text = ANY (weekdays)))::integer) + (('wed'::text = ANY (weekdays)))::integer) + (('thu'::text = ANY (weekdays)))::integer) + (('fri'::text = ANY (weekdays)))::integer) + (('sat'::text = ANY (weekdays)))::integer) + (('sun'::text = ANY (weekdays)))::integer))))
);

--
-- Name: calling_pauses; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.calling_pauses (
    company_id bigint NOT NULL,
    paused_at timestamp with time zone DEFAULT now() NOT NULL,
    who text NOT NULL,
    why text NOT NULL,
    CONSTRAINT calling_pauses_company_id_is_an_id_or_0 CHECK (((company_id >= 0) AND (company_id <= '999999999999'::bigint))),
    CONSTRAINT calling_pauses_who_is_not_blank CHECK (((btrim(who) <> ''::text) AND (length(who) <= 200))),
    CONSTRAINT calling_pauses_why_is_not_blank CHECK (((btrim(why) <> ''::text) AND (length(why) <= 500)))
);

--
-- Name: calling_windows; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.calling_windows (
    company_id bigint NOT NULL,
    opens time without time zone NOT NULL,
    closes time without time zone NOT NULL,
    CONSTRAINT calling_windows_are_whole_minutes CHECK (((EXTRACT(second FROM opens) = (0)::numeric) AND (EXTRACT(second FROM closes) = (0)::numeric))),
    CONSTRAINT calling_windows_close_after_they_open CHECK ((opens < closes)),
    CONSTRAINT calling_windows_company_id_is_an_id CHECK (((company_id >= 1) AND (company_id <= '999999999999'::bigint)))
);

--
-- Name: readings; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.readings
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

--
-- Name: candidate_reads; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.candidate_reads (
    company_id bigint NOT NULL,
    candidate_id bigint NOT NULL,
    wanted bigint DEFAULT nextval('public.readings'::regclass) NOT NULL,
    tries integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: candidates; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.candidates (
    company_id bigint NOT NULL,
    candidate_id bigint NOT NULL,
    name text NOT NULL,
    phones text[] NOT NULL,
    read_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: companies; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.companies (
    company_id bigint NOT NULL,
    name text NOT NULL,
    time_zone text NOT NULL,
    country text NOT NULL,
    subdivision text,
    language text NOT NULL,
    caller_number text NOT NULL,
    CONSTRAINT companies_caller_number_is_e164 CHECK ((caller_number ~ '^\+[1-9][0-9]{6,14}$'::text)),
    CONSTRAINT companies_company_id_is_an_id CHECK (((company_id >= 1) AND (company_id <= '999999999999'::bigint))),
    CONSTRAINT companies_country_is_two_letters CHECK ((country ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT companies_language_is_two_letters CHECK ((language ~ '^[a-z]{2}$'::text)),
    CONSTRAINT companies_name_is_not_blank CHECK (((btrim(name) <> ''::text) AND (length(name) <= 200))),
    CONSTRAINT companies_subdivision_is_a_code CHECK (((btrim(subdivision) = subdivision) AND ((length(subdivision) >= 1) AND (length(subdivision) <= 40))))
);

--
-- Name: company_secrets; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.company_secrets (
    company_id bigint NOT NULL,
    recruitee_token text,
    webhook_secret text,
    connection text DEFAULT 'connected'::text NOT NULL,
    connection_changed_at timestamp with time zone DEFAULT now() NOT NULL,
    reconnect_reason text,
    CONSTRAINT company_secrets_are_encrypted CHECK (((recruitee_token ~~ 'gAAAA%'::text) AND (webhook_secret ~~ 'gAAAA%'::text))),
    CONSTRAINT company_secrets_company_id_is_an_id CHECK (((company_id >= 1) AND (company_id <= '999999999999'::bigint))),
    CONSTRAINT company_secrets_connection_is_known CHECK ((connection = ANY (ARRAY['connected'::text, 'reconnect'::text])))
);

--
-- Name: conversations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.conversations (
    attempt_id uuid NOT NULL,
    outreach_id uuid NOT NULL,
    script jsonb NOT NULL,
    state jsonb NOT NULL,
    took_up integer DEFAULT 0 NOT NULL,
    disposition text,
    begun_at timestamp with time zone DEFAULT now() NOT NULL,
    fault text,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    person_left boolean DEFAULT false NOT NULL
);

--
-- Name: dials; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.dials (
    outreach_id uuid NOT NULL,
    tries integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    because text,
    company_id bigint NOT NULL,
    turn bigint DEFAULT 0 NOT NULL
);

--
-- Name: hosts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.hosts (
    company_id bigint NOT NULL,
    host text NOT NULL,
    name text NOT NULL,
    recruitee_admin_id bigint,
    language text,
    CONSTRAINT hosts_host_is_a_key CHECK ((host ~ '^[A-Za-z0-9_-]{1,64}$'::text)),
    CONSTRAINT hosts_language_is_two_letters CHECK ((language ~ '^[a-z]{2}$'::text)),
    CONSTRAINT hosts_name_is_not_blank CHECK (((btrim(name) <> ''::text) AND (length(name) <= 200))),
    CONSTRAINT hosts_recruitee_admin_id_is_an_id CHECK ((recruitee_admin_id > 0))
);

--
-- Name: offers; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.offers (
    company_id bigint NOT NULL,
    offer_id bigint NOT NULL,
    title text NOT NULL,
    status text NOT NULL,
    language text,
    read_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: opt_outs; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.opt_outs (
    id bigint NOT NULL,
    company_id bigint NOT NULL,
    candidate_id bigint,
    e164 text,
    at timestamp with time zone NOT NULL,
    attempt_id uuid,
    who text DEFAULT 'the candidate'::text NOT NULL,
    why text DEFAULT 'said so in a call'::text NOT NULL,
    removed_at timestamp with time zone,
    removed_by text,
    removed_why text,
    CONSTRAINT opt_outs_check CHECK (((candidate_id IS NOT NULL) OR (e164 IS NOT NULL))),
    CONSTRAINT opt_outs_removal_is_whole CHECK ((num_nulls(removed_at, removed_by, removed_why) = ANY (ARRAY[0, 3])))
);

--
-- Name: opt_outs_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.opt_outs ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.opt_outs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: outbox; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.outbox (
    seq bigint NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    body text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0.0', autovacuum_vacuum_threshold='1000');

--
-- Name: outbox_seq_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.outbox ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.outbox_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: outreaches; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.outreaches (
    id uuid NOT NULL,
    stay_id uuid NOT NULL,
    company_id bigint NOT NULL,
    candidate_id bigint NOT NULL,
    placement_id bigint NOT NULL,
    offer_id bigint NOT NULL,
    stage_id bigint NOT NULL,
    mode text NOT NULL,
    state text NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone,
    callback_at timestamp with time zone,
    number text,
    planned_with text DEFAULT ''::text NOT NULL,
    handed_until timestamp with time zone,
    withdraw_because text,
    outcome text,
    ended_at timestamp with time zone,
    held_because text,
    CONSTRAINT outreaches_check CHECK (((state = 'ended'::text) = (outcome IS NOT NULL))),
    CONSTRAINT outreaches_check1 CHECK (((state = 'ended'::text) = (ended_at IS NOT NULL))),
    CONSTRAINT outreaches_check2 CHECK (((state <> 'waiting'::text) OR (due_at IS NOT NULL))),
    CONSTRAINT outreaches_mode_check CHECK ((mode = ANY (ARRAY['interview'::text, 'recruiter'::text]))),
    CONSTRAINT outreaches_outcome_check CHECK ((outcome = ANY (ARRAY['completed'::text, 'exhausted'::text, 'unfinished'::text, 'refused'::text, 'human_requested'::text, 'uncallable'::text, 'withdrawn'::text]))),
    CONSTRAINT outreaches_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'held'::text, 'calling'::text, 'ended'::text])))
);

--
-- Name: parked; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.parked (
    id bigint NOT NULL,
    queue text NOT NULL,
    message_id uuid,
    name text NOT NULL,
    body text NOT NULL,
    reason text NOT NULL,
    parked_at timestamp with time zone DEFAULT now() NOT NULL,
    settled_at timestamp with time zone,
    settled_how text,
    CONSTRAINT parked_check CHECK (((settled_at IS NULL) = (settled_how IS NULL))),
    CONSTRAINT parked_settled_how_check CHECK ((settled_how = ANY (ARRAY['replayed'::text, 'dropped'::text])))
);

--
-- Name: parked_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.parked ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.parked_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: processed; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.processed (
    queue text NOT NULL,
    message_id uuid NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: question_sets; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.question_sets (
    company_id bigint NOT NULL,
    question_set text NOT NULL,
    language text NOT NULL,
    CONSTRAINT question_sets_language_is_two_letters CHECK ((language ~ '^[a-z]{2}$'::text)),
    CONSTRAINT question_sets_question_set_is_a_key CHECK ((question_set ~ '^[A-Za-z0-9_-]{1,64}$'::text))
);

--
-- Name: questions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.questions (
    company_id bigint NOT NULL,
    question_set text NOT NULL,
    "position" integer NOT NULL,
    key text NOT NULL,
    text text NOT NULL,
    kind text DEFAULT 'text'::text NOT NULL,
    required boolean DEFAULT true NOT NULL,
    CONSTRAINT questions_key_is_a_key CHECK ((key ~ '^[A-Za-z0-9_-]{1,64}$'::text)),
    CONSTRAINT questions_kind_is_built CHECK ((kind = ANY (ARRAY['text'::text, 'yes_no'::text, 'number'::text]))),
    CONSTRAINT questions_position_1_to_1000 CHECK ((("position" >= 1) AND ("position" <= 1000))),
    CONSTRAINT questions_text_is_not_blank CHECK (((btrim(text) <> ''::text) AND (length(text) <= 1000)))
);

--
-- Name: refused_callers; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.refused_callers (
    caller text NOT NULL,
    because text NOT NULL,
    refused_until timestamp with time zone NOT NULL
);

--
-- Name: schema_migrations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.schema_migrations (
    version character varying NOT NULL
);

--
-- Name: settings_history; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.settings_history (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    who text NOT NULL,
    company_id bigint NOT NULL,
    table_name text NOT NULL,
    row_key jsonb NOT NULL,
    operation text NOT NULL,
    before jsonb,
    after jsonb,
    transaction_id xid8 DEFAULT pg_current_xact_id() NOT NULL,
    CONSTRAINT settings_history_operation_is_known CHECK ((operation = ANY (ARRAY['insert'::text, 'update'::text, 'delete'::text])))
);

--
-- Name: settings_history_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.settings_history ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.settings_history_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: stage_watches; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.stage_watches (
    company_id bigint NOT NULL,
    offer_id bigint NOT NULL,
    stage_id bigint NOT NULL,
    watched_at timestamp with time zone NOT NULL,
    settled_at timestamp with time zone,
    unwatched_since timestamp with time zone,
    poll_due_at timestamp with time zone DEFAULT now() NOT NULL,
    polled_at timestamp with time zone,
    fault text,
    wait_until timestamp with time zone
);

--
-- Name: stays; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.stays (
    id uuid NOT NULL,
    company_id bigint NOT NULL,
    candidate_id bigint NOT NULL,
    placement_id bigint NOT NULL,
    offer_id bigint NOT NULL,
    stage_id bigint NOT NULL,
    entered_at timestamp with time zone NOT NULL,
    already_there boolean NOT NULL,
    left_at timestamp with time zone,
    left_because text,
    CONSTRAINT stays_check CHECK (((left_at IS NULL) = (left_because IS NULL)))
);

--
-- Name: timeline; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.timeline (
    id bigint NOT NULL,
    company_id bigint NOT NULL,
    candidate_id bigint NOT NULL,
    offer_id bigint,
    outreach_id uuid,
    attempt_id uuid,
    at timestamp with time zone NOT NULL,
    event text NOT NULL,
    rule text,
    details jsonb DEFAULT '{}'::jsonb NOT NULL
);

--
-- Name: timeline_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.timeline ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.timeline_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: transcript_lines; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.transcript_lines (
    attempt_id uuid NOT NULL,
    seq integer NOT NULL,
    at timestamp with time zone NOT NULL,
    speaker text NOT NULL,
    said text NOT NULL,
    wording text,
    played text,
    CONSTRAINT transcript_lines_played_check CHECK ((played = ANY (ARRAY['yes'::text, 'no'::text, 'not_known'::text]))),
    CONSTRAINT transcript_lines_speaker_check CHECK ((speaker = ANY (ARRAY['klara'::text, 'candidate'::text])))
);

--
-- Name: trunks; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.trunks (
    provider text NOT NULL,
    next_call_at timestamp with time zone DEFAULT now() NOT NULL,
    paused_until timestamp with time zone,
    paused_because text,
    counted_since timestamp with time zone DEFAULT now() NOT NULL,
    wait_until timestamp with time zone
);

--
-- Name: watched_stages; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.watched_stages (
    company_id bigint NOT NULL,
    offer_id bigint NOT NULL,
    stage_id bigint NOT NULL,
    mode text NOT NULL,
    target text DEFAULT 'next'::text NOT NULL,
    target_stage_id bigint,
    move_when text DEFAULT 'completed'::text NOT NULL,
    question_set text,
    host text,
    call_those_already_there boolean DEFAULT false NOT NULL,
    CONSTRAINT watched_stages_host_is_for_recruiter_mode CHECK (((mode = 'recruiter'::text) OR (host IS NULL))),
    CONSTRAINT watched_stages_ids_are_ids CHECK (((offer_id > 0) AND (stage_id > 0) AND (target_stage_id > 0))),
    CONSTRAINT watched_stages_interview_has_questions CHECK (((mode <> 'interview'::text) OR (question_set IS NOT NULL))),
    CONSTRAINT watched_stages_mode_is_known CHECK ((mode = ANY (ARRAY['interview'::text, 'recruiter'::text]))),
    CONSTRAINT watched_stages_move_when_is_known CHECK ((move_when = ANY (ARRAY['completed'::text, 'reached'::text]))),
    CONSTRAINT watched_stages_recruiter_mode_is_not_built CHECK ((mode <> 'recruiter'::text)),
    CONSTRAINT watched_stages_target_is_another_stage CHECK ((target_stage_id <> stage_id)),
    CONSTRAINT watched_stages_target_is_known CHECK ((target = ANY (ARRAY['next'::text, 'none'::text, 'stage'::text]))),
    CONSTRAINT watched_stages_target_stage_has_its_id CHECK (((target = 'stage'::text) = (target_stage_id IS NOT NULL)))
);

--
-- Name: webhook_events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.webhook_events (
    id bigint NOT NULL,
    company_id bigint NOT NULL,
    webhook_id text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    event_type text NOT NULL,
    event_subtype text,
    candidate_id bigint,
    offer_id bigint,
    to_stage_id bigint,
    received_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: webhook_events_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.webhook_events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.webhook_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: writebacks; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.writebacks (
    id uuid NOT NULL,
    outreach_id uuid NOT NULL,
    company_id bigint NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    tries integer DEFAULT 0 NOT NULL,
    lease uuid,
    note_id bigint,
    move text DEFAULT 'open'::text NOT NULL,
    moved_to bigint,
    fault text,
    done_at timestamp with time zone,
    CONSTRAINT writebacks_move_check CHECK ((move = ANY (ARRAY['open'::text, 'moved'::text, 'not_wanted'::text, 'not_possible'::text])))
);

--
-- Name: answers answers_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.answers
    ADD CONSTRAINT answers_pkey PRIMARY KEY (outreach_id, question_key);

--
-- Name: attempts attempts_outreach_id_number_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_outreach_id_number_key UNIQUE (outreach_id, number);

--
-- Name: attempts attempts_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_pkey PRIMARY KEY (id);

--
-- Name: attempts attempts_provider_ref_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_provider_ref_key UNIQUE (provider_ref);

--
-- Name: call_events call_events_dedup_key_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.call_events
    ADD CONSTRAINT call_events_dedup_key_key UNIQUE (dedup_key);

--
-- Name: call_events call_events_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.call_events
    ADD CONSTRAINT call_events_pkey PRIMARY KEY (id);

--
-- Name: call_settings call_settings_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.call_settings
    ADD CONSTRAINT call_settings_pkey PRIMARY KEY (company_id);

--
-- Name: calling_pauses calling_pauses_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.calling_pauses
    ADD CONSTRAINT calling_pauses_pkey PRIMARY KEY (company_id);

--
-- Name: calling_windows calling_windows_do_not_overlap; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.calling_windows
    ADD CONSTRAINT calling_windows_do_not_overlap EXCLUDE USING gist (int8range(((company_id * 86400) + (EXTRACT(epoch FROM opens))::bigint), ((company_id * 86400) + (EXTRACT(epoch FROM closes))::bigint)) WITH &&) DEFERRABLE INITIALLY DEFERRED;

--
-- Name: calling_windows calling_windows_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.calling_windows
    ADD CONSTRAINT calling_windows_pkey PRIMARY KEY (company_id, opens);

--
-- Name: candidate_reads candidate_reads_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.candidate_reads
    ADD CONSTRAINT candidate_reads_pkey PRIMARY KEY (company_id, candidate_id);

--
-- Name: candidates candidates_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.candidates
    ADD CONSTRAINT candidates_pkey PRIMARY KEY (company_id, candidate_id);

--
-- Name: companies companies_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.companies
    ADD CONSTRAINT companies_pkey PRIMARY KEY (company_id);

--
-- Name: company_secrets company_secrets_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.company_secrets
    ADD CONSTRAINT company_secrets_pkey PRIMARY KEY (company_id);

--
-- Name: conversations conversations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.conversations
    ADD CONSTRAINT conversations_pkey PRIMARY KEY (attempt_id);

--
-- Name: dials dials_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.dials
    ADD CONSTRAINT dials_pkey PRIMARY KEY (outreach_id);

--
-- Name: hosts hosts_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.hosts
    ADD CONSTRAINT hosts_pkey PRIMARY KEY (company_id, host);

--
-- Name: offers offers_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.offers
    ADD CONSTRAINT offers_pkey PRIMARY KEY (company_id, offer_id);

--
-- Name: opt_outs opt_outs_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.opt_outs
    ADD CONSTRAINT opt_outs_pkey PRIMARY KEY (id);

--
-- Name: outbox outbox_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (seq);

--
-- Name: outreaches outreaches_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outreaches
    ADD CONSTRAINT outreaches_pkey PRIMARY KEY (id);

--
-- Name: outreaches outreaches_stay_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outreaches
    ADD CONSTRAINT outreaches_stay_id_key UNIQUE (stay_id);

--
-- Name: parked parked_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.parked
    ADD CONSTRAINT parked_pkey PRIMARY KEY (id);

--
-- Name: processed processed_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.processed
    ADD CONSTRAINT processed_pkey PRIMARY KEY (queue, message_id);

--
-- Name: question_sets question_sets_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.question_sets
    ADD CONSTRAINT question_sets_pkey PRIMARY KEY (company_id, question_set);

--
-- Name: questions questions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.questions
    ADD CONSTRAINT questions_pkey PRIMARY KEY (company_id, question_set, key);

--
-- Name: questions questions_position_is_taken_once; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.questions
    ADD CONSTRAINT questions_position_is_taken_once UNIQUE (company_id, question_set, "position") DEFERRABLE INITIALLY DEFERRED;

--
-- Name: refused_callers refused_callers_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.refused_callers
    ADD CONSTRAINT refused_callers_pkey PRIMARY KEY (caller);

--
-- Name: schema_migrations schema_migrations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

--
-- Name: settings_history settings_history_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.settings_history
    ADD CONSTRAINT settings_history_pkey PRIMARY KEY (id);

--
-- Name: stage_watches stage_watches_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.stage_watches
    ADD CONSTRAINT stage_watches_pkey PRIMARY KEY (company_id, offer_id, stage_id);

--
-- Name: stays stays_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.stays
    ADD CONSTRAINT stays_pkey PRIMARY KEY (id);

--
-- Name: timeline timeline_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.timeline
    ADD CONSTRAINT timeline_pkey PRIMARY KEY (id);

--
-- Name: transcript_lines transcript_lines_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.transcript_lines
    ADD CONSTRAINT transcript_lines_pkey PRIMARY KEY (attempt_id, seq);

--
-- Name: trunks trunks_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.trunks
    ADD CONSTRAINT trunks_pkey PRIMARY KEY (provider);

--
-- Name: watched_stages watched_stages_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.watched_stages
    ADD CONSTRAINT watched_stages_pkey PRIMARY KEY (company_id, offer_id, stage_id);

--
-- Name: webhook_events webhook_events_company_id_webhook_id_created_at_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.webhook_events
    ADD CONSTRAINT webhook_events_company_id_webhook_id_created_at_key UNIQUE (company_id, webhook_id, created_at);

--
-- Name: webhook_events webhook_events_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.webhook_events
    ADD CONSTRAINT webhook_events_pkey PRIMARY KEY (id);

--
-- Name: writebacks writebacks_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.writebacks
    ADD CONSTRAINT writebacks_pkey PRIMARY KEY (id);

--
-- Name: answers_of_attempt; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX answers_of_attempt ON public.answers USING btree (attempt_id);

--
-- Name: attempts_of_candidate; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX attempts_of_candidate ON public.attempts USING btree (company_id, candidate_id);

--
-- Name: attempts_of_trunk; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX attempts_of_trunk ON public.attempts USING btree (provider, state_since) WHERE (state = 'ended'::text);

--
-- Name: attempts_open; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX attempts_open ON public.attempts USING btree (state, state_since) WHERE (state <> 'ended'::text);

--
-- Name: attempts_to_number; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX attempts_to_number ON public.attempts USING btree (e164, company_id);

--
-- Name: call_events_open; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX call_events_open ON public.call_events USING btree (attempt_id) WHERE (applied_at IS NULL);

--
-- Name: candidate_reads_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX candidate_reads_due ON public.candidate_reads USING btree (due_at);

--
-- Name: dials_in_turn; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX dials_in_turn ON public.dials USING btree (turn, due_at);

--
-- Name: dials_of_company; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX dials_of_company ON public.dials USING btree (company_id, turn);

--
-- Name: one_live_call_to_a_number; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX one_live_call_to_a_number ON public.attempts USING btree (e164) WHERE (state <> 'ended'::text);

--
-- Name: one_open_attempt; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX one_open_attempt ON public.attempts USING btree (outreach_id) WHERE (state <> 'ended'::text);

--
-- Name: one_open_stay; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX one_open_stay ON public.stays USING btree (company_id, placement_id, stage_id) WHERE (left_at IS NULL);

--
-- Name: opt_outs_by_candidate; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX opt_outs_by_candidate ON public.opt_outs USING btree (company_id, candidate_id) WHERE (removed_at IS NULL);

--
-- Name: opt_outs_by_number; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX opt_outs_by_number ON public.opt_outs USING btree (company_id, e164) WHERE (removed_at IS NULL);

--
-- Name: outreaches_calling; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX outreaches_calling ON public.outreaches USING btree (id) WHERE (state = 'calling'::text);

--
-- Name: outreaches_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX outreaches_due ON public.outreaches USING btree (due_at) WHERE (state = 'waiting'::text);

--
-- Name: outreaches_due_of_company; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX outreaches_due_of_company ON public.outreaches USING btree (company_id, due_at) WHERE (state = 'waiting'::text);

--
-- Name: outreaches_ended; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX outreaches_ended ON public.outreaches USING btree (ended_at) WHERE (state = 'ended'::text);

--
-- Name: outreaches_going_on; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX outreaches_going_on ON public.outreaches USING btree (stay_id) WHERE (state <> 'ended'::text);

--
-- Name: outreaches_of_candidate; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX outreaches_of_candidate ON public.outreaches USING btree (company_id, candidate_id);

--
-- Name: outreaches_of_offer; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX outreaches_of_offer ON public.outreaches USING btree (company_id, offer_id) WHERE (state = ANY (ARRAY['waiting'::text, 'held'::text]));

--
-- Name: outreaches_planned; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX outreaches_planned ON public.outreaches USING btree (company_id, planned_with, id) WHERE (state = ANY (ARRAY['waiting'::text, 'held'::text]));

--
-- Name: parked_open; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX parked_open ON public.parked USING btree (id) WHERE (settled_at IS NULL);

--
-- Name: processed_by_age; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX processed_by_age ON public.processed USING brin (at);

--
-- Name: settings_history_company_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX settings_history_company_idx ON public.settings_history USING btree (company_id, id);

--
-- Name: settings_history_transaction_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX settings_history_transaction_idx ON public.settings_history USING btree (transaction_id, table_name, row_key);

--
-- Name: stage_watches_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX stage_watches_due ON public.stage_watches USING btree (poll_due_at);

--
-- Name: stays_in_stage; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX stays_in_stage ON public.stays USING btree (company_id, offer_id, stage_id) WHERE (left_at IS NULL);

--
-- Name: stays_of_candidate; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX stays_of_candidate ON public.stays USING btree (company_id, candidate_id) WHERE (left_at IS NULL);

--
-- Name: stays_open; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX stays_open ON public.stays USING btree (id) WHERE ((left_at IS NULL) AND (NOT already_there));

--
-- Name: timeline_of_candidate; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX timeline_of_candidate ON public.timeline USING btree (company_id, candidate_id, id);

--
-- Name: webhook_events_of_candidate; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX webhook_events_of_candidate ON public.webhook_events USING btree (company_id, candidate_id);

--
-- Name: writebacks_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX writebacks_due ON public.writebacks USING btree (due_at) WHERE (done_at IS NULL);

--
-- Name: writebacks_of_outreach; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX writebacks_of_outreach ON public.writebacks USING btree (outreach_id);

--
-- Name: attempts attempts_refuse; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER attempts_refuse BEFORE INSERT OR UPDATE OF state ON public.attempts FOR EACH ROW EXECUTE FUNCTION public.attempts_refuse();

--
-- Name: call_settings changed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER changed AFTER INSERT OR DELETE OR UPDATE ON public.call_settings FOR EACH ROW EXECUTE FUNCTION public.klara_settings_changed('company_id');

--
-- Name: calling_pauses changed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER changed AFTER INSERT OR DELETE OR UPDATE ON public.calling_pauses FOR EACH ROW EXECUTE FUNCTION public.klara_settings_changed('company_id');

--
-- Name: calling_windows changed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER changed AFTER INSERT OR DELETE OR UPDATE ON public.calling_windows FOR EACH ROW EXECUTE FUNCTION public.klara_settings_changed('company_id', 'opens');

--
-- Name: companies changed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER changed AFTER INSERT OR DELETE OR UPDATE ON public.companies FOR EACH ROW EXECUTE FUNCTION public.klara_settings_changed('company_id');

--
-- Name: company_secrets changed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER changed AFTER INSERT OR DELETE OR UPDATE ON public.company_secrets FOR EACH ROW EXECUTE FUNCTION public.klara_company_secrets_changed();

--
-- Name: hosts changed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER changed AFTER INSERT OR DELETE OR UPDATE ON public.hosts FOR EACH ROW EXECUTE FUNCTION public.klara_settings_changed('company_id', 'host');

--
-- Name: question_sets changed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER changed AFTER INSERT OR DELETE OR UPDATE ON public.question_sets FOR EACH ROW EXECUTE FUNCTION public.klara_settings_changed('company_id', 'question_set');

--
-- Name: questions changed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER changed AFTER INSERT OR DELETE OR UPDATE ON public.questions FOR EACH ROW EXECUTE FUNCTION public.klara_settings_changed('company_id', 'question_set', 'key');

--
-- Name: watched_stages changed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER changed AFTER INSERT OR DELETE OR UPDATE ON public.watched_stages FOR EACH ROW EXECUTE FUNCTION public.klara_settings_changed('company_id', 'offer_id', 'stage_id');

--
-- Name: companies check_time_zone_of_changed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER check_time_zone_of_changed BEFORE UPDATE ON public.companies FOR EACH ROW WHEN ((old.time_zone IS DISTINCT FROM new.time_zone)) EXECUTE FUNCTION public.klara_check_time_zone();

--
-- Name: companies check_time_zone_of_new; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER check_time_zone_of_new BEFORE INSERT ON public.companies FOR EACH ROW EXECUTE FUNCTION public.klara_check_time_zone();

--
-- Name: answers answers_attempt_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.answers
    ADD CONSTRAINT answers_attempt_id_fkey FOREIGN KEY (attempt_id) REFERENCES public.attempts(id);

--
-- Name: answers answers_outreach_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.answers
    ADD CONSTRAINT answers_outreach_id_fkey FOREIGN KEY (outreach_id) REFERENCES public.outreaches(id);

--
-- Name: attempts attempts_outreach_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_outreach_id_fkey FOREIGN KEY (outreach_id) REFERENCES public.outreaches(id);

--
-- Name: call_events call_events_attempt_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.call_events
    ADD CONSTRAINT call_events_attempt_id_fkey FOREIGN KEY (attempt_id) REFERENCES public.attempts(id);

--
-- Name: call_settings call_settings_company_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.call_settings
    ADD CONSTRAINT call_settings_company_fkey FOREIGN KEY (company_id) REFERENCES public.companies(company_id) DEFERRABLE INITIALLY DEFERRED;

--
-- Name: calling_windows calling_windows_company_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.calling_windows
    ADD CONSTRAINT calling_windows_company_fkey FOREIGN KEY (company_id) REFERENCES public.companies(company_id) DEFERRABLE INITIALLY DEFERRED;

--
-- Name: conversations conversations_attempt_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.conversations
    ADD CONSTRAINT conversations_attempt_id_fkey FOREIGN KEY (attempt_id) REFERENCES public.attempts(id);

--
-- Name: conversations conversations_outreach_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.conversations
    ADD CONSTRAINT conversations_outreach_id_fkey FOREIGN KEY (outreach_id) REFERENCES public.outreaches(id);

--
-- Name: dials dials_outreach_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.dials
    ADD CONSTRAINT dials_outreach_id_fkey FOREIGN KEY (outreach_id) REFERENCES public.outreaches(id) ON DELETE CASCADE;

--
-- Name: hosts hosts_company_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.hosts
    ADD CONSTRAINT hosts_company_fkey FOREIGN KEY (company_id) REFERENCES public.companies(company_id) DEFERRABLE INITIALLY DEFERRED;

--
-- Name: opt_outs opt_outs_attempt_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.opt_outs
    ADD CONSTRAINT opt_outs_attempt_id_fkey FOREIGN KEY (attempt_id) REFERENCES public.attempts(id);

--
-- Name: outreaches outreaches_stay_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.outreaches
    ADD CONSTRAINT outreaches_stay_id_fkey FOREIGN KEY (stay_id) REFERENCES public.stays(id);

--
-- Name: question_sets question_sets_company_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.question_sets
    ADD CONSTRAINT question_sets_company_fkey FOREIGN KEY (company_id) REFERENCES public.companies(company_id) DEFERRABLE INITIALLY DEFERRED;

--
-- Name: questions questions_question_set_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.questions
    ADD CONSTRAINT questions_question_set_fkey FOREIGN KEY (company_id, question_set) REFERENCES public.question_sets(company_id, question_set) DEFERRABLE INITIALLY DEFERRED;

--
-- Name: transcript_lines transcript_lines_attempt_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.transcript_lines
    ADD CONSTRAINT transcript_lines_attempt_id_fkey FOREIGN KEY (attempt_id) REFERENCES public.attempts(id);

--
-- Name: watched_stages watched_stages_company_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.watched_stages
    ADD CONSTRAINT watched_stages_company_fkey FOREIGN KEY (company_id) REFERENCES public.companies(company_id) DEFERRABLE INITIALLY DEFERRED;

--
-- Name: watched_stages watched_stages_host_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.watched_stages
    ADD CONSTRAINT watched_stages_host_fkey FOREIGN KEY (company_id, host) REFERENCES public.hosts(company_id, host) DEFERRABLE INITIALLY DEFERRED;

--
-- Name: watched_stages watched_stages_question_set_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.watched_stages
    ADD CONSTRAINT watched_stages_question_set_fkey FOREIGN KEY (company_id, question_set) REFERENCES public.question_sets(company_id, question_set) DEFERRABLE INITIALLY DEFERRED;

--
-- Name: writebacks writebacks_outreach_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.writebacks
    ADD CONSTRAINT writebacks_outreach_id_fkey FOREIGN KEY (outreach_id) REFERENCES public.outreaches(id);

--
-- Name: SCHEMA public; Type: ACL; Schema: -; Owner: -
--

GRANT USAGE ON SCHEMA public TO klara_settings;

--
-- Name: FUNCTION klara_check_time_zone(); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.klara_check_time_zone() FROM PUBLIC;

--
-- Name: FUNCTION klara_company_secrets_changed(); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.klara_company_secrets_changed() FROM PUBLIC;

--
-- Name: FUNCTION klara_note_settings_change(changed_table text, changed_key jsonb, was jsonb, became jsonb); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.klara_note_settings_change(changed_table text, changed_key jsonb, was jsonb, became jsonb) FROM PUBLIC;

--
-- Name: FUNCTION klara_settings_changed(); Type: ACL; Schema: public; Owner: -
--

REVOKE ALL ON FUNCTION public.klara_settings_changed() FROM PUBLIC;

--
-- Name: TABLE call_settings; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.call_settings TO klara_settings;

--
-- Name: TABLE calling_pauses; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.calling_pauses TO klara_settings;

--
-- Name: TABLE calling_windows; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.calling_windows TO klara_settings;

--
-- Name: TABLE companies; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.companies TO klara_settings;

--
-- Name: TABLE hosts; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.hosts TO klara_settings;

--
-- Name: TABLE question_sets; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.question_sets TO klara_settings;

--
-- Name: TABLE questions; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.questions TO klara_settings;

--
-- Name: TABLE settings_history; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT ON TABLE public.settings_history TO klara_settings;

--
-- Name: TABLE watched_stages; Type: ACL; Schema: public; Owner: -
--

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.watched_stages TO klara_settings;

--
-- PostgreSQL database dump complete
--
