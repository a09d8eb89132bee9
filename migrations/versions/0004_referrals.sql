-- referrals: who earns an order ---------------------------------------------------------------

-- Which kind of claim goes before which, and for how long it holds; dated like other rules.
CREATE TABLE claim_rules (
  id uuid PRIMARY KEY,
  source text NOT NULL DEFAULT '*',
  claim text NOT NULL CHECK (claim IN ('task', 'click', 'share_code', 'ad', 'source')),
  announced_at timestamptz NOT NULL,
  in_force tstzrange NOT NULL
    CHECK (NOT isempty(in_force) AND lower_inc(in_force) AND NOT upper_inc(in_force)),
  rank smallint NOT NULL CHECK (rank BETWEEN 1 AND 99),
  window_days integer NOT NULL CHECK (window_days BETWEEN 0 AND 365),
  reason_zh text NOT NULL,
  reason_en text NOT NULL,
  citation text NOT NULL DEFAULT '',
  author_id uuid NOT NULL,
  approver_id uuid,
  approved_at timestamptz,
  CONSTRAINT claim_rules_second_person CHECK (approver_id <> author_id),
  CHECK ((approver_id IS NULL) = (approved_at IS NULL)),
  CONSTRAINT claim_rules_no_overlap EXCLUDE USING gist (source WITH =, claim WITH =, in_force WITH &&)
    WHERE (approver_id IS NOT NULL),
  CONSTRAINT claim_rules_no_tie EXCLUDE USING gist (source WITH =, rank WITH =, in_force WITH &&)
    WHERE (approver_id IS NOT NULL)
);
CREATE TRIGGER keep_rule BEFORE UPDATE ON claim_rules FOR EACH ROW EXECUTE FUNCTION keep_rule();

-- referrals: reports ---------------------------------------------------------------------------

CREATE TABLE referral_reports (
  id uuid PRIMARY KEY,
  source text NOT NULL REFERENCES sources,
  mapping text NOT NULL,
  file_name text NOT NULL,
  file_hash bytea NOT NULL,
  state text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
  bytes_total bigint NOT NULL DEFAULT 0,
  bytes_done bigint NOT NULL DEFAULT 0,
  rows_total integer NOT NULL DEFAULT 0,
  rows_done integer NOT NULL DEFAULT 0,
  rows_applied integer NOT NULL DEFAULT 0,
  rows_repeated integer NOT NULL DEFAULT 0,
  rows_stale integer NOT NULL DEFAULT 0,
  rows_parked integer NOT NULL DEFAULT 0,
  rows_refused integer NOT NULL DEFAULT 0,
  failure text NOT NULL DEFAULT '',
  failure_field text NOT NULL DEFAULT '',
  bad jsonb NOT NULL DEFAULT '[]',
  started_by uuid,
  started_at timestamptz NOT NULL,
  ended_at timestamptz
);
CREATE INDEX referral_reports_newest ON referral_reports (started_at DESC, id DESC);

-- An order at a source, as the newest of what was reported says. `_gross_`: before the fees that
-- the alliance keeps; without it: what reaches us. Estimated is on what was paid, settled on what
-- the source has settled; neither is ever made of the other.
CREATE TABLE referral_orders (
  id uuid PRIMARY KEY,
  source text NOT NULL REFERENCES sources,
  order_ref text NOT NULL CHECK (order_ref <> ''),
  parent_ref text NOT NULL DEFAULT '',
  item_id text NOT NULL DEFAULT '',
  title text NOT NULL DEFAULT '',
  quantity integer NOT NULL DEFAULT 1,
  currency char(3) NOT NULL,
  state text NOT NULL CHECK (state IN ('paid', 'received', 'settled', 'closed')),
  status text NOT NULL DEFAULT '',
  paid_minor bigint NOT NULL CHECK (paid_minor >= 0),
  estimated_gross_minor bigint NOT NULL CHECK (estimated_gross_minor >= 0),
  estimated_minor bigint NOT NULL,
  settled_base_minor bigint,
  settled_gross_minor bigint,
  alliance_fee_minor bigint,
  media_fee_minor bigint,
  settled_minor bigint CHECK (settled_minor >= 0),
  refunded_minor bigint NOT NULL DEFAULT 0,
  paid_at timestamptz NOT NULL,
  received_at timestamptz,
  settled_at timestamptz,
  closed_at timestamptz,
  first_reported_at timestamptz NOT NULL,
  last_reported_at timestamptz NOT NULL,
  receivable_owner_id uuid,
  ruling_id uuid,
  booked_at timestamptz,
  parked text NOT NULL DEFAULT '',
  CONSTRAINT referral_orders_once UNIQUE (source, order_ref),
  CONSTRAINT referral_orders_estimated CHECK (estimated_minor BETWEEN 0 AND estimated_gross_minor),
  CONSTRAINT referral_orders_settled CHECK ((state = 'settled') = (settled_minor IS NOT NULL)),
  CONSTRAINT referral_orders_net
    CHECK (settled_minor = settled_gross_minor - alliance_fee_minor - media_fee_minor),
  CONSTRAINT referral_orders_refunded CHECK (refunded_minor BETWEEN 0 AND coalesce(settled_minor, 0)),
  CONSTRAINT referral_orders_booked CHECK (booked_at IS NULL
    OR (ruling_id IS NOT NULL AND receivable_owner_id IS NOT NULL AND settled_minor IS NOT NULL))
);
CREATE INDEX referral_orders_newest ON referral_orders (paid_at DESC, id DESC);
CREATE INDEX referral_orders_parked ON referral_orders (paid_at DESC, id DESC) WHERE parked <> '';

-- Every row that was ever told of, by a report (`report_id`, `line`) or an event, once: with its
-- cells as they came (`raw`) and its amounts as reported.
CREATE TABLE report_rows (
  id uuid PRIMARY KEY,
  report_id uuid REFERENCES referral_reports,
  line integer,
  source text NOT NULL REFERENCES sources,
  mapping text NOT NULL,
  facts_hash bytea NOT NULL,
  raw jsonb NOT NULL,
  order_ref text NOT NULL DEFAULT '',
  status text NOT NULL DEFAULT '',
  state text,
  currency char(3),
  paid_minor bigint,
  estimated_gross_minor bigint,
  settled_base_minor bigint,
  settled_gross_minor bigint,
  alliance_fee_minor bigint,
  media_fee_minor bigint,
  settled_minor bigint,
  refund_case text NOT NULL DEFAULT '',
  refund_minor bigint,
  paid_at timestamptz,
  settled_at timestamptz,
  told_at timestamptz NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('applied', 'stale', 'parked', 'refused')),
  field text NOT NULL DEFAULT '',
  reason text NOT NULL DEFAULT '',
  value text NOT NULL DEFAULT '',
  order_id uuid REFERENCES referral_orders,
  resolved_at timestamptz,
  resolved_by uuid,
  resolution text NOT NULL DEFAULT '',
  CONSTRAINT report_rows_once UNIQUE (source, facts_hash),
  CONSTRAINT report_rows_line UNIQUE (report_id, line),
  CONSTRAINT report_rows_reason CHECK (outcome NOT IN ('parked', 'refused') OR reason <> '')
);
CREATE INDEX report_rows_by_ref ON report_rows (source, order_ref);
CREATE INDEX report_rows_bad ON report_rows (told_at DESC, id DESC)
  WHERE outcome IN ('parked', 'refused') AND resolved_at IS NULL;

-- referrals: claims and rulings ------------------------------------------------------------------

-- Who says that the order is theirs. `evidence`: the sub id, share code, task, ad or name that the
-- source told; `at`: when the shopper was led there.
CREATE TABLE referral_claims (
  id uuid PRIMARY KEY,
  order_id uuid NOT NULL REFERENCES referral_orders,
  claim text NOT NULL CHECK (claim IN ('task', 'click', 'share_code', 'ad', 'source', 'operator')),
  evidence text NOT NULL,
  creator_id uuid REFERENCES organisations,
  link_id uuid REFERENCES product_links,
  click_id uuid REFERENCES clicks,
  task_id uuid REFERENCES task_agreements,
  surface text NOT NULL DEFAULT '*',
  route text NOT NULL DEFAULT '*',
  category text NOT NULL DEFAULT '*',
  validity text NOT NULL DEFAULT 'valid',
  is_self boolean NOT NULL DEFAULT false,
  at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  CONSTRAINT referral_claims_once UNIQUE (order_id, claim, evidence)
);

-- A ruling is a fact: it says for ever who earned the order and at which rates. Without a claim
-- none held; without a creator the platform keeps what the source pays. The first is made by rule, a
-- later one by a person with a reason.
CREATE TABLE referral_rulings (
  id uuid PRIMARY KEY,
  order_id uuid NOT NULL REFERENCES referral_orders,
  number smallint NOT NULL CHECK (number > 0),
  claim_id uuid REFERENCES referral_claims,
  claim_rule_id uuid REFERENCES claim_rules,
  creator_id uuid REFERENCES organisations,
  judged_at timestamptz NOT NULL,
  service_fee_bp integer NOT NULL CHECK (service_fee_bp BETWEEN 0 AND 10000),
  service_fee_rule_id uuid,
  commission_cut_bp integer NOT NULL CHECK (commission_cut_bp BETWEEN 0 AND 10000),
  commission_cut_rule_id uuid,
  made_at timestamptz NOT NULL,
  made_by uuid,
  reason text NOT NULL DEFAULT '',
  CONSTRAINT referral_rulings_once UNIQUE (order_id, number),
  CONSTRAINT referral_rulings_by_hand
    CHECK ((made_by IS NULL) = (reason = '') AND (number = 1 OR made_by IS NOT NULL)),
  CONSTRAINT referral_rulings_by_rule
    CHECK (made_by IS NOT NULL OR (claim_id IS NULL) = (claim_rule_id IS NULL)),
  CONSTRAINT referral_rulings_nobody CHECK (creator_id IS NOT NULL OR commission_cut_bp = 10000)
);
CREATE INDEX referral_rulings_by_creator ON referral_rulings (creator_id, order_id);
ALTER TABLE referral_orders ADD FOREIGN KEY (ruling_id) REFERENCES referral_rulings;

CREATE TABLE referral_losers (
  ruling_id uuid NOT NULL REFERENCES referral_rulings,
  claim_id uuid NOT NULL REFERENCES referral_claims,
  why text NOT NULL CHECK (why <> ''),
  PRIMARY KEY (ruling_id, claim_id)
);

-- What a source took back after it had settled, in what reaches us; `ref` says which refund.
CREATE TABLE referral_refunds (
  order_id uuid NOT NULL REFERENCES referral_orders,
  ref text NOT NULL,
  refund_case text NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  row_id uuid NOT NULL REFERENCES report_rows,
  at timestamptz NOT NULL,
  PRIMARY KEY (order_id, ref)
);

-- what the app may do ------------------------------------------------------------------------------

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['claim_rules', 'referral_reports', 'referral_orders', 'report_rows'] LOOP
    EXECUTE format('REVOKE DELETE, TRUNCATE ON %I FROM dougong_app', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['referral_claims', 'referral_rulings', 'referral_losers',
    'referral_refunds'] LOOP
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %I FROM dougong_app', t);
  END LOOP;
END $$;
