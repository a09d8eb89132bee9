-- what a merchant decides beforehand, and writes often ------------------------------------------------

CREATE TABLE return_addresses (
  store_id uuid NOT NULL REFERENCES stores,
  id uuid NOT NULL,
  recipient text NOT NULL CHECK (length(recipient) BETWEEN 1 AND 80),
  phone text NOT NULL CHECK (length(phone) BETWEEN 5 AND 30),
  province text NOT NULL DEFAULT '',
  city text NOT NULL DEFAULT '',
  line text NOT NULL CHECK (length(line) BETWEEN 1 AND 200),
  is_default boolean NOT NULL DEFAULT false,
  made_at timestamptz NOT NULL,
  closed_at timestamptz,
  PRIMARY KEY (store_id, id)
);
CREATE UNIQUE INDEX return_addresses_one_default ON return_addresses (store_id)
  WHERE is_default AND closed_at IS NULL;

CREATE TABLE reply_templates (
  store_id uuid NOT NULL REFERENCES stores,
  id uuid NOT NULL,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
  body text NOT NULL CHECK (length(body) BETWEEN 1 AND 1000),
  made_at timestamptz NOT NULL,
  removed_at timestamptz,
  PRIMARY KEY (store_id, id)
);

-- Rows that answer by themselves (`*`: any). They match on the buyer, the kind of case, its reason, the
-- categories of its goods, how far the order is and the amount asked for; two rows with the same columns
-- never overlap in time. A row can only end earlier, or be withdrawn before it starts.
CREATE TABLE case_rules (
  store_id uuid NOT NULL REFERENCES stores,
  id uuid NOT NULL,
  buyer text NOT NULL DEFAULT '*' CHECK (length(buyer) IN (1, 36)), -- a person's id
  kind text NOT NULL DEFAULT '*' CHECK (length(kind) BETWEEN 1 AND 40),
  reason text NOT NULL DEFAULT '*' CHECK (length(reason) BETWEEN 1 AND 40),
  category text NOT NULL DEFAULT '*' CHECK (length(category) BETWEEN 1 AND 200),
  order_state text NOT NULL DEFAULT '*'
    CHECK (order_state IN ('*', 'not_shipped', 'shipped', 'received')),
  up_to_minor bigint NOT NULL CHECK (up_to_minor > 0),
  outcome text NOT NULL CHECK (outcome IN ('approve', 'refuse', 'ask')),
  says_zh text NOT NULL CHECK (length(says_zh) BETWEEN 1 AND 300),
  says_en text NOT NULL CHECK (length(says_en) BETWEEN 1 AND 300),
  in_force tstzrange NOT NULL
    CHECK (NOT isempty(in_force) AND lower_inc(in_force) AND NOT upper_inc(in_force)),
  made_by uuid NOT NULL REFERENCES people,
  made_at timestamptz NOT NULL,
  ended_by uuid REFERENCES people,
  ended_at timestamptz,
  withdrawn boolean NOT NULL DEFAULT false, -- before it started: it never answered anything
  PRIMARY KEY (store_id, id),
  CONSTRAINT case_rules_ended
    CHECK ((ended_by IS NULL) = (ended_at IS NULL) AND (ended_at IS NOT NULL OR NOT withdrawn)),
  CONSTRAINT case_rules_no_overlap EXCLUDE USING gist
    (store_id WITH =, buyer WITH =, kind WITH =, reason WITH =, category WITH =, order_state WITH =,
     up_to_minor WITH =, in_force WITH &&) WHERE (NOT withdrawn)
);
CREATE FUNCTION keep_case_rule() RETURNS trigger LANGUAGE plpgsql AS
$$ DECLARE may text[] := ARRAY['in_force', 'ended_by', 'ended_at', 'withdrawn'];
BEGIN
  IF TG_OP = 'DELETE' OR OLD.ended_at IS NOT NULL
    OR to_jsonb(OLD) - may IS DISTINCT FROM to_jsonb(NEW) - may
    OR lower(NEW.in_force) IS DISTINCT FROM lower(OLD.in_force)
    OR (upper(NEW.in_force) IS DISTINCT FROM upper(OLD.in_force)
      AND (upper(NEW.in_force) IS NULL OR upper(NEW.in_force) > upper(OLD.in_force)))
  THEN RAISE EXCEPTION 'rules are kept: % on % is refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'integrity_constraint_violation'; END IF;
  RETURN NEW; END $$;
CREATE TRIGGER keep_case_rule BEFORE UPDATE OR DELETE ON case_rules
  FOR EACH ROW EXECUTE FUNCTION keep_case_rule();

-- cases --------------------------------------------------------------------------------------------------

CREATE TABLE cases (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  number text NOT NULL,
  order_id uuid NOT NULL,
  buyer_id uuid NOT NULL REFERENCES people,
  kind text NOT NULL CHECK (kind IN ('refund_unshipped', 'refund_only', 'return_refund', 'exchange',
    'resend', 'price_protection', 'repair')),
  state text NOT NULL CHECK (state IN ('asked', 'offered', 'refused', 'to_ship_back', 'shipped_back',
    'received', 'to_resend', 'resent', 'arbitration', 'ruled', 'appealed', 'done', 'withdrawn',
    'closed')),
  waiting_for text NOT NULL CHECK (waiting_for IN ('merchant', 'buyer', 'operator', 'nobody')),
  reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 40),
  body text NOT NULL DEFAULT '' CHECK (length(body) <= 1000),
  currency char(3) NOT NULL,
  asked_minor bigint NOT NULL CHECK (asked_minor >= 0),
  offered_minor bigint CHECK (offered_minor > 0),
  granted_minor bigint CHECK (granted_minor >= 0),
  was_final boolean NOT NULL, -- whether the order was when the case was opened
  bearer text NOT NULL DEFAULT 'merchant' CHECK (bearer IN
    ('merchant', 'platform', 'creator', 'coupon_funder', 'carrier', 'insurer')),
  borne_minor bigint NOT NULL DEFAULT 0 CHECK (borne_minor >= 0),
  held_at timestamptz,
  released_at timestamptz,
  refund_id uuid,
  rule_id uuid, -- of case_rules, where a row decided who answers; its words are on the first move
  outcome text CHECK (outcome IN ('refunded', 'exchanged', 'resent', 'repaired', 'refused',
    'withdrawn', 'lapsed')),
  return_address jsonb,
  return_carrier text NOT NULL DEFAULT '' CHECK (length(return_carrier) <= 60),
  return_tracking_no text NOT NULL DEFAULT '' CHECK (length(return_tracking_no) <= 60),
  inspection text CHECK (inspection IN ('as_new', 'damaged', 'wrong_goods', 'missing')),
  extended integer NOT NULL DEFAULT 0 CHECK (extended BETWEEN 0 AND 2),
  extension_asked_by text CHECK (extension_asked_by IN ('buyer', 'merchant')),
  extension_declined_at timestamptz, -- of the deadline of this state; it is not asked for again
  idempotency_key text NOT NULL,
  request_hash bytea NOT NULL,
  opened_at timestamptz NOT NULL,
  due_at timestamptz, -- when the deadline of this state acts, as `deadlines` says
  due_kind text,
  closed_at timestamptz,
  PRIMARY KEY (store_id, id),
  UNIQUE (store_id, number),
  FOREIGN KEY (store_id, order_id) REFERENCES orders,
  FOREIGN KEY (store_id, rule_id) REFERENCES case_rules,
  CONSTRAINT cases_once UNIQUE (store_id, buyer_id, idempotency_key),
  CONSTRAINT cases_closed CHECK ((state IN ('done', 'withdrawn', 'closed')) = (closed_at IS NOT NULL)
    AND (closed_at IS NULL) = (outcome IS NULL)),
  CONSTRAINT cases_extension_answered CHECK (extension_asked_by IS NULL
    OR extension_declined_at IS NULL),
  CONSTRAINT cases_granted CHECK (granted_minor <= asked_minor),
  CONSTRAINT cases_offered CHECK (offered_minor <= asked_minor),
  CONSTRAINT cases_released CHECK (released_at IS NULL OR held_at IS NOT NULL),
  CONSTRAINT cases_held_while_open CHECK (closed_at IS NULL OR held_at IS NULL
    OR released_at IS NOT NULL)
);
CREATE INDEX cases_by_order ON cases (store_id, order_id, opened_at);
CREATE INDEX cases_by_buyer ON cases (buyer_id, opened_at DESC);
CREATE INDEX cases_by_store ON cases (store_id, opened_at DESC, id DESC);
CREATE INDEX cases_queue ON cases (store_id, waiting_for, due_at, id) WHERE closed_at IS NULL;
CREATE INDEX cases_by_rule ON cases (store_id, rule_id, opened_at DESC) WHERE rule_id IS NOT NULL;
CREATE INDEX cases_for_operator ON cases (due_at, id) WHERE waiting_for = 'operator';

CREATE TABLE case_lines (
  store_id uuid NOT NULL,
  case_id uuid NOT NULL,
  line_no smallint NOT NULL,
  sku_id uuid,
  category text NOT NULL,
  quantity integer NOT NULL CHECK (quantity > 0),
  amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
  PRIMARY KEY (store_id, case_id, line_no),
  FOREIGN KEY (store_id, case_id) REFERENCES cases
);

-- Every unit of a line is in one open case at most, and comes back once at most. `bought`, `shipped`
-- and `paid_minor` are the line's own, as they were when its case last changed.
CREATE TABLE case_units (
  store_id uuid NOT NULL,
  order_id uuid NOT NULL,
  line_no smallint NOT NULL,
  bought integer NOT NULL CHECK (bought > 0),
  shipped integer NOT NULL,
  paid_minor bigint NOT NULL CHECK (paid_minor > 0),
  in_case integer NOT NULL DEFAULT 0,
  asked_minor bigint NOT NULL DEFAULT 0,
  came_back integer NOT NULL DEFAULT 0,
  PRIMARY KEY (store_id, order_id, line_no),
  FOREIGN KEY (store_id, order_id) REFERENCES orders,
  CONSTRAINT case_units_one_case CHECK (in_case >= 0 AND in_case + came_back <= bought),
  CONSTRAINT case_units_shipped CHECK (shipped BETWEEN 0 AND bought),
  CONSTRAINT case_units_came_back CHECK (came_back BETWEEN 0 AND shipped),
  CONSTRAINT case_units_asked CHECK (asked_minor BETWEEN 0 AND paid_minor)
);

CREATE TABLE case_moves (
  store_id uuid NOT NULL,
  case_id uuid NOT NULL,
  n smallint NOT NULL CHECK (n > 0),
  from_state text,
  to_state text NOT NULL,
  side text NOT NULL CHECK (side IN ('buyer', 'merchant', 'operator', 'deadline', 'rule', 'order')),
  person_id uuid,
  note text NOT NULL DEFAULT '' CHECK (length(note) <= 1000),
  facts jsonb NOT NULL DEFAULT '{}',
  at timestamptz NOT NULL,
  PRIMARY KEY (store_id, case_id, n),
  FOREIGN KEY (store_id, case_id) REFERENCES cases
);

CREATE TABLE case_messages (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  case_id uuid NOT NULL,
  side text NOT NULL CHECK (side IN ('buyer', 'merchant', 'operator')),
  person_id uuid NOT NULL REFERENCES people,
  body text NOT NULL CHECK (length(body) <= 1000),
  about text NOT NULL DEFAULT 'words'
    CHECK (about IN ('words', 'time_asked', 'time_given', 'time_declined')),
  due_at timestamptz, -- the deadline from then on, where a side speaks about its time
  at timestamptz NOT NULL,
  PRIMARY KEY (store_id, id),
  FOREIGN KEY (store_id, case_id) REFERENCES cases,
  CONSTRAINT case_messages_said CHECK (about <> 'words' OR body <> ''),
  CONSTRAINT case_messages_due CHECK ((about = 'words') = (due_at IS NULL))
);
CREATE INDEX case_messages_by_case ON case_messages (store_id, case_id, id);

CREATE TABLE case_evidence (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  case_id uuid NOT NULL,
  side text NOT NULL CHECK (side IN ('buyer', 'merchant')),
  person_id uuid NOT NULL REFERENCES people,
  kind text NOT NULL CHECK (kind IN ('image', 'video', 'pdf')),
  file text NOT NULL CHECK (length(file) BETWEEN 1 AND 200),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
  size_bytes bigint NOT NULL CHECK (size_bytes > 0),
  sha256 bytea NOT NULL CHECK (length(sha256) = 32),
  at timestamptz NOT NULL,
  PRIMARY KEY (store_id, id),
  FOREIGN KEY (store_id, case_id) REFERENCES cases
);
CREATE INDEX case_evidence_by_case ON case_evidence (store_id, case_id, id);

CREATE TABLE case_rulings (
  store_id uuid NOT NULL,
  case_id uuid NOT NULL,
  instance smallint NOT NULL CHECK (instance IN (1, 2)), -- 2: after the one appeal
  question text NOT NULL CHECK (length(question) BETWEEN 1 AND 1000),
  outcome text NOT NULL CHECK (outcome IN ('refund', 'return_refund', 'nothing')),
  granted_minor bigint NOT NULL CHECK (granted_minor >= 0),
  bearer text NOT NULL CHECK (bearer IN
    ('merchant', 'platform', 'creator', 'coupon_funder', 'carrier')),
  reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 2000),
  person_id uuid NOT NULL REFERENCES people,
  at timestamptz NOT NULL,
  PRIMARY KEY (store_id, case_id, instance),
  FOREIGN KEY (store_id, case_id) REFERENCES cases,
  CONSTRAINT case_rulings_granted CHECK ((outcome = 'nothing') = (granted_minor = 0))
);

-- What was frozen when a case was opened, from which account; given back as one, when it ends.
CREATE TABLE case_holds (
  store_id uuid NOT NULL,
  case_id uuid NOT NULL,
  line_no smallint NOT NULL,
  purpose text NOT NULL CHECK (purpose IN ('escrow', 'merchant_payable', 'creator_payable')),
  owner_id uuid NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  PRIMARY KEY (store_id, case_id, line_no, purpose, owner_id),
  FOREIGN KEY (store_id, case_id, line_no) REFERENCES case_lines
);

-- Goods that went out again for a line that was paid once: a cost, and no revenue. `cost_minor`: what
-- they cost by moving average; `back_minor`: what those that came back for them are worth in stock.
CREATE TABLE resend_lines (
  store_id uuid NOT NULL,
  case_id uuid NOT NULL,
  line_no smallint NOT NULL,
  sku_id uuid,
  quantity integer NOT NULL CHECK (quantity > 0),
  carrier text NOT NULL CHECK (length(carrier) BETWEEN 1 AND 60),
  tracking_no text NOT NULL CHECK (length(tracking_no) BETWEEN 4 AND 60),
  from_stock boolean NOT NULL, -- false: the buyer's own goods, repaired
  cost_minor bigint NOT NULL DEFAULT 0 CHECK (cost_minor >= 0),
  back_minor bigint NOT NULL DEFAULT 0 CHECK (back_minor >= 0),
  at timestamptz NOT NULL,
  PRIMARY KEY (store_id, case_id, line_no),
  FOREIGN KEY (store_id, case_id, line_no) REFERENCES case_lines
);

-- how buyers' cases went ------------------------------------------------------------------------------------

-- How the score of a buyer is made, from when on. Where no row is in force, the one in the code holds.
CREATE TABLE buyer_score_formulas (
  id uuid PRIMARY KEY,
  formula jsonb NOT NULL,
  in_force tstzrange NOT NULL
    CHECK (NOT isempty(in_force) AND lower_inc(in_force) AND NOT upper_inc(in_force)),
  reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 300),
  made_by uuid NOT NULL REFERENCES people,
  made_at timestamptz NOT NULL,
  CONSTRAINT buyer_score_formulas_no_overlap EXCLUDE USING gist (in_force WITH &&)
);

-- As counted last, with the counts that made it. A hint for people: no rule reads it.
CREATE TABLE buyer_scores (
  person_id uuid PRIMARY KEY REFERENCES people,
  score integer NOT NULL CHECK (score BETWEEN 0 AND 100),
  facts jsonb NOT NULL,
  since timestamptz NOT NULL,
  formula_id uuid REFERENCES buyer_score_formulas,
  counted_at timestamptz NOT NULL
);
CREATE INDEX buyer_scores_by_score ON buyer_scores (score DESC, person_id DESC);

-- freight insurance ----------------------------------------------------------------------------------------

-- What is offered, by date: covers by route (near: within a province), premiums by the share of a
-- store's orders that came back lately (`bands`: over_bp to premium_minor). A second person approves.
CREATE TABLE insurance_products (
  id uuid PRIMARY KEY,
  currency char(3) NOT NULL,
  version integer NOT NULL CHECK (version > 0),
  name_zh text NOT NULL CHECK (length(name_zh) BETWEEN 1 AND 60),
  name_en text NOT NULL CHECK (length(name_en) BETWEEN 1 AND 60),
  near_minor bigint NOT NULL CHECK (near_minor > 0),
  far_minor bigint NOT NULL,
  bands jsonb NOT NULL,
  in_force tstzrange NOT NULL
    CHECK (NOT isempty(in_force) AND lower_inc(in_force) AND NOT upper_inc(in_force)),
  made_by uuid NOT NULL,
  made_at timestamptz NOT NULL,
  approved_by uuid,
  approved_at timestamptz,
  CONSTRAINT insurance_products_version UNIQUE (currency, version),
  CONSTRAINT insurance_products_far CHECK (far_minor >= near_minor),
  CONSTRAINT insurance_products_second_person CHECK (approved_by <> made_by),
  CONSTRAINT insurance_products_approved CHECK ((approved_by IS NULL) = (approved_at IS NULL)),
  CONSTRAINT insurance_products_no_overlap EXCLUDE USING gist (currency WITH =, in_force WITH &&)
    WHERE (approved_by IS NOT NULL)
);

-- From when to when a store insures its orders. Of `counted` orders that it sent lately, `came_back`
-- did; that decides the band, and is counted anew each day.
CREATE TABLE insured_stores (
  store_id uuid NOT NULL REFERENCES stores,
  since timestamptz NOT NULL,
  until timestamptz,
  counted integer NOT NULL,
  came_back integer NOT NULL,
  counted_at timestamptz NOT NULL,
  taken_by uuid NOT NULL,
  PRIMARY KEY (store_id, since),
  CONSTRAINT insured_stores_came_back CHECK (came_back BETWEEN 0 AND counted),
  CONSTRAINT insured_stores_until CHECK (until >= since)
);
CREATE UNIQUE INDEX insured_stores_one ON insured_stores (store_id) WHERE until IS NULL;

-- Frozen when the order was paid, by what was offered when it was placed. `charged_at`: when its first
-- parcel left, and the merchant paid the premium.
CREATE TABLE insurance_policies (
  store_id uuid NOT NULL,
  order_id uuid NOT NULL,
  product_id uuid NOT NULL REFERENCES insurance_products,
  currency char(3) NOT NULL,
  premium_minor bigint NOT NULL CHECK (premium_minor > 0),
  cover_minor bigint NOT NULL CHECK (cover_minor > 0),
  route text NOT NULL CHECK (route IN ('near', 'far')),
  return_bp integer NOT NULL CHECK (return_bp BETWEEN 0 AND 10000),
  at timestamptz NOT NULL,
  charged_at timestamptz,
  PRIMARY KEY (store_id, order_id),
  FOREIGN KEY (store_id, order_id) REFERENCES orders,
  CONSTRAINT insurance_policies_charged CHECK (charged_at >= at)
);
CREATE INDEX insurance_policies_by_time ON insurance_policies (store_id, at DESC, order_id DESC);

CREATE TABLE insurance_claims (
  store_id uuid NOT NULL,
  order_id uuid NOT NULL,
  case_id uuid NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  at timestamptz NOT NULL,
  PRIMARY KEY (store_id, order_id), -- a policy pays once
  FOREIGN KEY (store_id, order_id) REFERENCES insurance_policies,
  FOREIGN KEY (store_id, case_id) REFERENCES cases
);

-- payouts ----------------------------------------------------------------------------------------------------

-- When and how payees are paid: dated rows by kind of payee ('*' for any) and currency.
CREATE TABLE payout_terms (
  id uuid PRIMARY KEY,
  purpose text NOT NULL CHECK (purpose IN
    ('*', 'merchant_payable', 'creator_payable', 'agency_payable', 'buyer_payable')),
  currency char(3) NOT NULL,
  in_force tstzrange NOT NULL
    CHECK (NOT isempty(in_force) AND lower_inc(in_force) AND NOT upper_inc(in_force)),
  weekday smallint CHECK (weekday BETWEEN 1 AND 7), -- ISO, for weekly; NULL is daily
  minimum_minor bigint NOT NULL CHECK (minimum_minor > 0),
  hold_days integer NOT NULL CHECK (hold_days BETWEEN 0 AND 90),
  change_wait_days integer NOT NULL CHECK (change_wait_days BETWEEN 0 AND 90),
  approve_above_minor bigint NOT NULL CHECK (approve_above_minor >= 0),
  reason text NOT NULL CONSTRAINT payout_terms_reason CHECK (reason <> ''),
  author_id uuid NOT NULL REFERENCES people,
  at timestamptz NOT NULL,
  CONSTRAINT payout_terms_no_overlap
    EXCLUDE USING gist (purpose WITH =, currency WITH =, in_force WITH &&)
);

CREATE TRIGGER keep_terms BEFORE UPDATE ON payout_terms
  FOR EACH ROW EXECUTE FUNCTION keep_terms();

-- Where a payee is paid. The number is sealed with the platform's key; its end is shown.
CREATE TABLE payout_accounts (
  id uuid PRIMARY KEY,
  payee_id uuid NOT NULL,
  currency char(3) NOT NULL,
  holder text NOT NULL CHECK (length(holder) BETWEEN 1 AND 100),
  bank text NOT NULL CHECK (length(bank) BETWEEN 1 AND 100),
  number_sealed bytea NOT NULL CHECK (length(number_sealed) BETWEEN 29 AND 200),
  number_tail text NOT NULL CHECK (length(number_tail) = 4),
  replaces uuid REFERENCES payout_accounts,
  made_by uuid NOT NULL REFERENCES people,
  made_at timestamptz NOT NULL,
  verified_by uuid REFERENCES people,
  verified_at timestamptz,
  closed_at timestamptz,
  why text NOT NULL DEFAULT '' CHECK (length(why) <= 200), -- why it was refused
  CONSTRAINT payout_accounts_verified
    CHECK ((verified_by IS NULL) = (verified_at IS NULL) AND verified_by <> made_by)
);
CREATE UNIQUE INDEX payout_accounts_one_open ON payout_accounts (payee_id, currency)
  WHERE closed_at IS NULL;
CREATE INDEX payout_accounts_waiting ON payout_accounts (made_at)
  WHERE verified_at IS NULL AND closed_at IS NULL;

-- One run a day, currency and kind of payee; above a limit two people let it go.
CREATE TABLE payout_runs (
  id uuid PRIMARY KEY,
  day date NOT NULL,
  currency char(3) NOT NULL,
  purpose text NOT NULL CHECK (purpose IN
    ('merchant_payable', 'creator_payable', 'agency_payable', 'buyer_payable')),
  terms_id uuid NOT NULL REFERENCES payout_terms,
  state text NOT NULL DEFAULT 'making' CHECK (state IN ('making', 'waiting', 'approved')),
  after_store uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
  after_account uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
  payouts integer NOT NULL DEFAULT 0 CHECK (payouts >= 0),
  total_minor bigint NOT NULL DEFAULT 0 CHECK (total_minor >= 0),
  unpaid integer NOT NULL DEFAULT 0 CHECK (unpaid >= 0), -- owed enough, no usable account
  unpaid_minor bigint NOT NULL DEFAULT 0 CHECK (unpaid_minor >= 0),
  started_by uuid REFERENCES people,
  started_at timestamptz NOT NULL,
  made_at timestamptz,
  checked_by uuid REFERENCES people,
  checked_at timestamptz,
  approved_by uuid REFERENCES people,
  approved_at timestamptz,
  CONSTRAINT payout_runs_once UNIQUE (day, currency, purpose),
  CONSTRAINT payout_runs_made CHECK ((state = 'making') = (made_at IS NULL)),
  CONSTRAINT payout_runs_checked CHECK ((checked_by IS NULL) = (checked_at IS NULL)),
  CONSTRAINT payout_runs_approved CHECK ((state = 'approved') = (approved_at IS NOT NULL)
    AND (approved_by IS NULL OR approved_at IS NOT NULL)),
  CONSTRAINT payout_runs_two_people CHECK (approved_by <> checked_by)
);
CREATE INDEX payout_runs_by_day ON payout_runs (day DESC, id);
CREATE INDEX payout_runs_open ON payout_runs (day) WHERE state <> 'approved';

-- Lists for the bank, and the bank's answers that came as files.
CREATE TABLE payout_files (
  id uuid PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('list', 'answers')),
  file_name text NOT NULL CHECK (length(file_name) BETWEEN 1 AND 200),
  state text NOT NULL CHECK (state IN ('waiting', 'done', 'failed')),
  rows_total integer NOT NULL DEFAULT 0 CHECK (rows_total >= 0),
  rows_taken integer NOT NULL DEFAULT 0 CHECK (rows_taken >= 0),
  rows_repeated integer NOT NULL DEFAULT 0 CHECK (rows_repeated >= 0),
  rows_refused integer NOT NULL DEFAULT 0 CHECK (rows_refused >= 0),
  failure text NOT NULL DEFAULT '',
  made_by uuid NOT NULL REFERENCES people,
  made_at timestamptz NOT NULL,
  ended_at timestamptz,
  CONSTRAINT payout_files_ended CHECK ((state = 'waiting') = (ended_at IS NULL))
);
CREATE INDEX payout_files_by_time ON payout_files (made_at DESC);

CREATE TABLE payout_file_problems (
  file_id uuid NOT NULL REFERENCES payout_files,
  line integer NOT NULL CHECK (line > 0),
  field text NOT NULL,
  reason text NOT NULL,
  value text NOT NULL DEFAULT '' CHECK (length(value) <= 200),
  PRIMARY KEY (file_id, line)
);

-- What is paid to a payee: what one book owes it, once a day at most; one that came back may be
-- tried again, as another payout.
CREATE TABLE payouts (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  run_id uuid NOT NULL REFERENCES payout_runs,
  account_id uuid NOT NULL REFERENCES payout_accounts,
  retry_of uuid,
  payee_id uuid NOT NULL,
  purpose text NOT NULL CHECK (purpose IN
    ('merchant_payable', 'creator_payable', 'agency_payable', 'buyer_payable')),
  currency char(3) NOT NULL,
  day date NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  state text NOT NULL DEFAULT 'booked'
    CHECK (state IN ('booked', 'held', 'sent', 'confirmed', 'returned')),
  file_id uuid REFERENCES payout_files,
  bank_ref text UNIQUE,
  why text NOT NULL DEFAULT '' CHECK (length(why) <= 200),
  booked_at timestamptz NOT NULL,
  sent_at timestamptz,
  asked_at timestamptz, -- when the bank was last asked
  done_at timestamptz,
  PRIMARY KEY (store_id, id),
  FOREIGN KEY (store_id, retry_of) REFERENCES payouts,
  CONSTRAINT payouts_retry_once UNIQUE (store_id, retry_of),
  CONSTRAINT payouts_sent CHECK (state <> 'sent' OR sent_at IS NOT NULL),
  CONSTRAINT payouts_done CHECK ((state IN ('confirmed', 'returned')) = (done_at IS NOT NULL))
);
CREATE UNIQUE INDEX payouts_once ON payouts (store_id, payee_id, purpose, currency, day)
  WHERE retry_of IS NULL;
CREATE INDEX payouts_by_id ON payouts (id);
CREATE INDEX payouts_by_payee ON payouts (payee_id, day DESC, id);
CREATE INDEX payouts_by_day ON payouts (day DESC, id DESC);
CREATE INDEX payouts_by_run ON payouts (run_id, id);
CREATE INDEX payouts_open ON payouts (booked_at) WHERE state IN ('booked', 'sent');

-- How it went from state to state, and who said so.
CREATE TABLE payout_moves (
  store_id uuid NOT NULL,
  payout_id uuid NOT NULL,
  n integer NOT NULL CHECK (n > 0),
  to_state text NOT NULL CHECK (to_state IN ('booked', 'held', 'sent', 'confirmed', 'returned')),
  side text NOT NULL CHECK (side IN ('platform', 'operator', 'bank')),
  person_id uuid REFERENCES people,
  why text NOT NULL DEFAULT '' CHECK (length(why) <= 200),
  at timestamptz NOT NULL,
  PRIMARY KEY (store_id, payout_id, n),
  FOREIGN KEY (store_id, payout_id) REFERENCES payouts,
  CONSTRAINT payout_moves_person CHECK ((side = 'operator') = (person_id IS NOT NULL))
);

-- what the app may do ------------------------------------------------------------------------------------------

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['case_lines', 'case_moves', 'case_messages', 'case_evidence',
    'case_rulings', 'case_holds', 'resend_lines', 'insurance_claims', 'payout_moves'] LOOP
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %I FROM dougong_app', t);
    EXECUTE format('CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON %I
      FOR EACH ROW EXECUTE FUNCTION refuse_change()', t);
    EXECUTE format('CREATE TRIGGER keep_all BEFORE TRUNCATE ON %I
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['cases', 'case_units', 'case_rules', 'insurance_products',
    'insured_stores', 'insurance_policies', 'payouts', 'payout_terms', 'payout_accounts',
    'payout_runs', 'payout_files', 'return_addresses', 'reply_templates'] LOOP
    EXECUTE format('REVOKE DELETE, TRUNCATE ON %I FROM dougong_app', t);
  END LOOP;
END $$;

REVOKE UPDATE, DELETE, TRUNCATE ON payout_file_problems FROM dougong_app;

-- What was asked stays; a rule row can only end earlier.
REVOKE UPDATE ON cases, case_rules, insurance_products, insured_stores, insurance_policies, payouts,
  payout_terms, payout_accounts FROM dougong_app;
GRANT UPDATE (state, waiting_for, offered_minor, granted_minor, bearer, borne_minor, held_at,
  released_at, refund_id, outcome, return_address, return_carrier, return_tracking_no,
  inspection, extended, extension_asked_by, extension_declined_at, due_at, due_kind, closed_at) ON cases TO dougong_app;
GRANT UPDATE (in_force, approved_by, approved_at) ON insurance_products TO dougong_app;
GRANT UPDATE (until, counted, came_back, counted_at) ON insured_stores TO dougong_app;
GRANT UPDATE (charged_at) ON insurance_policies TO dougong_app;
GRANT UPDATE (in_force) ON payout_terms TO dougong_app;
GRANT UPDATE (in_force, ended_by, ended_at, withdrawn) ON case_rules TO dougong_app;
GRANT UPDATE (state, account_id, file_id, bank_ref, why, sent_at, asked_at, done_at)
  ON payouts TO dougong_app;
GRANT UPDATE (verified_by, verified_at, closed_at, why) ON payout_accounts TO dougong_app;
REVOKE UPDATE, DELETE, TRUNCATE ON buyer_score_formulas FROM dougong_app;
GRANT UPDATE (in_force) ON buyer_score_formulas TO dougong_app;
