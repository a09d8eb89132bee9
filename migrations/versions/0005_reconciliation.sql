-- settlement: reconciliation with partners --------------------------------------------------------

-- How far two amounts may be apart and still agree, how long money may take, and what one person may
-- write off alone; dated like other rules. Without a row: not at all, not a day, and nothing.
CREATE TABLE reconciliation_terms (
  id uuid PRIMARY KEY,
  source text NOT NULL,
  currency char(3) NOT NULL,
  in_force tstzrange NOT NULL
    CHECK (NOT isempty(in_force) AND lower_inc(in_force) AND NOT upper_inc(in_force)),
  tolerance_minor bigint NOT NULL CHECK (tolerance_minor >= 0),
  tolerance_bp integer NOT NULL CHECK (tolerance_bp BETWEEN 0 AND 10000),
  patience_days integer NOT NULL CHECK (patience_days BETWEEN 0 AND 365),
  write_off_limit_minor bigint NOT NULL CHECK (write_off_limit_minor >= 0),
  reason text NOT NULL CONSTRAINT reconciliation_terms_reason CHECK (reason <> ''),
  author_id uuid NOT NULL REFERENCES people,
  at timestamptz NOT NULL,
  CONSTRAINT reconciliation_terms_no_overlap
    EXCLUDE USING gist (source WITH =, currency WITH =, in_force WITH &&)
);

-- Only the end of a row may be brought forward, and never into the past.
CREATE FUNCTION keep_terms() RETURNS trigger LANGUAGE plpgsql AS
$$ DECLARE
  business_now timestamptz := now()
    + make_interval(secs => (SELECT offset_s FROM business_clock));
BEGIN
  IF to_jsonb(OLD) - 'in_force' IS DISTINCT FROM to_jsonb(NEW) - 'in_force'
    OR lower(NEW.in_force) IS DISTINCT FROM lower(OLD.in_force)
    OR upper(NEW.in_force) IS NULL OR upper(NEW.in_force) > upper(OLD.in_force)
    OR upper(NEW.in_force) < business_now - interval '1 minute'
  THEN RAISE EXCEPTION 'rules are kept: % on % is refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'integrity_constraint_violation'; END IF;
  RETURN NEW; END $$;
CREATE TRIGGER keep_terms BEFORE UPDATE ON reconciliation_terms
  FOR EACH ROW EXECUTE FUNCTION keep_terms();

-- Money from partners, as their payment lists and bank statements tell it.
CREATE TABLE receipt_files (
  id uuid PRIMARY KEY,
  source text NOT NULL REFERENCES sources,
  mapping text NOT NULL,
  file_name text NOT NULL,
  file_hash bytea NOT NULL,
  state text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
  rows_total integer NOT NULL DEFAULT 0,
  rows_taken integer NOT NULL DEFAULT 0,
  rows_repeated integer NOT NULL DEFAULT 0,
  rows_parked integer NOT NULL DEFAULT 0,
  rows_refused integer NOT NULL DEFAULT 0,
  failure text NOT NULL DEFAULT '',
  failure_field text NOT NULL DEFAULT '',
  started_by uuid REFERENCES people,
  started_at timestamptz NOT NULL,
  ended_at timestamptz
);
CREATE INDEX receipt_files_newest ON receipt_files (started_at DESC, id DESC);

-- One payment: for an order, or (`order_ref` empty) for all of a period that names none. Below zero:
-- the partner took it back.
CREATE TABLE receipts (
  id uuid PRIMARY KEY,
  source text NOT NULL REFERENCES sources,
  file_id uuid NOT NULL REFERENCES receipt_files,
  line integer NOT NULL,
  payment_ref text NOT NULL,
  order_ref text NOT NULL DEFAULT '',
  period_starts_at timestamptz,
  period_ends_at timestamptz,
  currency char(3) NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
  received_at timestamptz NOT NULL,
  fingerprint bytea NOT NULL,
  owner_id uuid NOT NULL,
  CONSTRAINT receipts_once UNIQUE (source, fingerprint),
  CONSTRAINT receipts_line UNIQUE (file_id, line),
  CONSTRAINT receipts_period CHECK (period_ends_at > period_starts_at
    AND (period_starts_at IS NULL) = (period_ends_at IS NULL)),
  CONSTRAINT receipts_of CHECK ((order_ref = '') = (period_starts_at IS NOT NULL))
);
CREATE INDEX receipts_by_order ON receipts (source, order_ref);
CREATE INDEX receipts_by_day ON receipts (source, received_at);
CREATE INDEX receipts_by_payment ON receipts (source, payment_ref);

-- A row that was not taken. Parked: it can be read, and contradicts what is there; a person decides.
CREATE TABLE receipt_problems (
  file_id uuid NOT NULL REFERENCES receipt_files,
  line integer NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('parked', 'refused')),
  field text NOT NULL CHECK (field <> ''),
  reason text NOT NULL CHECK (reason <> ''),
  value text NOT NULL DEFAULT '',
  PRIMARY KEY (file_id, line)
);

-- A run is a fact: what was compared, by which terms, as of when, and what came of it.
CREATE TABLE reconciliation_runs (
  id uuid PRIMARY KEY,
  source text NOT NULL REFERENCES sources,
  starts_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  as_of timestamptz NOT NULL,
  state text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
  step text NOT NULL DEFAULT 'waiting',
  inputs jsonb NOT NULL DEFAULT '{}',
  terms jsonb NOT NULL DEFAULT '{}',
  sides jsonb NOT NULL DEFAULT '[]',
  orders integer NOT NULL DEFAULT 0 CHECK (orders >= 0),
  differences integer NOT NULL DEFAULT 0,
  carried integer NOT NULL DEFAULT 0 CHECK (carried >= 0),
  settled_themselves integer NOT NULL DEFAULT 0 CHECK (settled_themselves >= 0),
  failure text NOT NULL DEFAULT '',
  started_by uuid REFERENCES people,
  started_at timestamptz NOT NULL,
  ended_at timestamptz,
  CONSTRAINT reconciliation_runs_period CHECK (ends_at > starts_at),
  CONSTRAINT reconciliation_runs_some CHECK (differences BETWEEN 0 AND orders),
  CONSTRAINT reconciliation_runs_ended CHECK ((state IN ('done', 'failed')) = (ended_at IS NOT NULL))
);
CREATE INDEX reconciliation_runs_newest ON reconciliation_runs (started_at DESC, id DESC);
CREATE INDEX reconciliation_runs_by_period ON reconciliation_runs (source, starts_at);

-- What is done is never written again.
CREATE FUNCTION keep_run() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
  RAISE EXCEPTION 'runs are kept: % on % is refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'integrity_constraint_violation'; END $$;
CREATE TRIGGER keep_run BEFORE UPDATE ON reconciliation_runs
  FOR EACH ROW WHEN (OLD.state IN ('done', 'failed')) EXECUTE FUNCTION keep_run();

-- By currency and outcome, all that a run has compared.
CREATE TABLE reconciliation_sums (
  run_id uuid NOT NULL REFERENCES reconciliation_runs,
  currency char(3) NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('matched', 'waiting', 'different', 'only_ours',
    'only_theirs', 'unpaid', 'unreported')),
  orders integer NOT NULL CHECK (orders > 0),
  ours_minor bigint NOT NULL,
  theirs_minor bigint NOT NULL,
  received_minor bigint NOT NULL,
  gap_minor bigint NOT NULL,
  PRIMARY KEY (run_id, currency, outcome)
);

-- What did not agree, one row an order. `case_id` is derived from source and order: the same order
-- is the same case in every run. Its references are the doctor's: a run may write a million.
CREATE TABLE reconciliation_rows (
  run_id uuid NOT NULL,
  case_id uuid NOT NULL,
  subject text NOT NULL,
  currency char(3) NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('different', 'only_ours', 'only_theirs', 'unpaid',
    'unreported')),
  reason text NOT NULL CONSTRAINT reconciliation_rows_reason CHECK (reason <> ''),
  detail text NOT NULL,
  ours_minor bigint,
  booked_minor bigint NOT NULL,
  theirs_minor bigint,
  received_minor bigint,
  gap_minor bigint NOT NULL,
  order_at timestamptz NOT NULL,
  since_at timestamptz NOT NULL,
  age_days integer NOT NULL,
  PRIMARY KEY (run_id, case_id)
);
CREATE INDEX reconciliation_rows_largest ON reconciliation_rows (run_id, abs(gap_minor) DESC, case_id);
CREATE INDEX reconciliation_rows_by_subject ON reconciliation_rows (run_id, subject text_pattern_ops);

CREATE TABLE reconciliation_cases (
  id uuid PRIMARY KEY,
  source text NOT NULL,
  subject text NOT NULL CONSTRAINT reconciliation_cases_subject CHECK (subject <> ''),
  currency char(3) NOT NULL,
  state text NOT NULL
    CHECK (state IN ('open', 'explained', 'claimed', 'to_approve', 'accepted', 'closed')),
  outcome text NOT NULL,
  reason text NOT NULL,
  gap_minor bigint NOT NULL,
  order_at timestamptz NOT NULL,
  first_run_id uuid NOT NULL,
  last_run_id uuid NOT NULL,
  opened_at timestamptz NOT NULL,
  changed_at timestamptz NOT NULL,
  CONSTRAINT reconciliation_cases_once UNIQUE (source, subject)
);
CREATE INDEX reconciliation_cases_undone ON reconciliation_cases (source, order_at)
  WHERE state <> 'closed' AND state <> 'accepted';

-- Every step of a case: who, when and why. Without a person a run took it.
CREATE TABLE reconciliation_notes (
  id uuid PRIMARY KEY,
  case_id uuid NOT NULL REFERENCES reconciliation_cases,
  run_id uuid REFERENCES reconciliation_runs,
  person_id uuid REFERENCES people,
  side text NOT NULL CHECK (side IN ('platform', 'partner')),
  from_state text NOT NULL,
  to_state text NOT NULL,
  note text NOT NULL CONSTRAINT reconciliation_notes_why CHECK (note <> ''),
  at timestamptz NOT NULL,
  CONSTRAINT reconciliation_notes_who CHECK (person_id IS NOT NULL OR run_id IS NOT NULL),
  CONSTRAINT reconciliation_notes_partner CHECK (side = 'platform' OR from_state = to_state)
);
CREATE INDEX reconciliation_notes_by_case ON reconciliation_notes (case_id, at);

-- What accepting a difference does to the books: below zero the partner owes less than was booked.
CREATE TABLE write_offs (
  id uuid PRIMARY KEY,
  case_id uuid NOT NULL REFERENCES reconciliation_cases,
  run_id uuid NOT NULL REFERENCES reconciliation_runs,
  owner_id uuid NOT NULL,
  currency char(3) NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
  booked_minor bigint NOT NULL,
  came_minor bigint NOT NULL,
  limit_minor bigint NOT NULL,
  terms_id uuid REFERENCES reconciliation_terms,
  state text NOT NULL CHECK (state IN ('asked', 'booked', 'declined')),
  asked_by uuid NOT NULL REFERENCES people,
  asked_at timestamptz NOT NULL,
  decided_by uuid REFERENCES people,
  decided_at timestamptz,
  CONSTRAINT write_offs_sum CHECK (amount_minor = came_minor - booked_minor),
  CONSTRAINT write_offs_decided CHECK ((state = 'asked') = (decided_at IS NULL)
    AND (decided_by IS NULL) = (decided_at IS NULL)),
  CONSTRAINT write_offs_second_person CHECK (state <> 'booked'
    OR abs(amount_minor) <= limit_minor OR decided_by <> asked_by)
);
CREATE UNIQUE INDEX write_offs_one_asked ON write_offs (case_id) WHERE state = 'asked';
CREATE INDEX write_offs_by_case ON write_offs (case_id);

-- what the app may do ------------------------------------------------------------------------------

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['reconciliation_terms', 'receipt_files', 'reconciliation_runs',
    'reconciliation_cases', 'write_offs'] LOOP
    EXECUTE format('REVOKE DELETE, TRUNCATE ON %I FROM dougong_app', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['receipts', 'receipt_problems', 'reconciliation_sums',
    'reconciliation_rows', 'reconciliation_notes'] LOOP
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %I FROM dougong_app', t);
    EXECUTE format('CREATE TRIGGER keep_fact BEFORE UPDATE OR DELETE ON %I
      FOR EACH ROW EXECUTE FUNCTION refuse_change()', t);
    EXECUTE format('CREATE TRIGGER keep_all BEFORE TRUNCATE ON %I
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', t);
  END LOOP;
END $$;
