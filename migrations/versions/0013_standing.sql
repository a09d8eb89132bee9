-- standing -------------------------------------------------------------------------------------------

-- Dated rules about merchants: what deposit a category asks for (`subject`: its path, or '*'), how the
-- score is made ('*'), what a violation costs (`subject`: its code). `terms` says the rest.
CREATE TABLE standing_rules (
  id uuid PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('deposit', 'score', 'penalty')),
  subject text NOT NULL CHECK (subject <> ''),
  announced_at timestamptz NOT NULL,
  in_force tstzrange NOT NULL
    CHECK (NOT isempty(in_force) AND lower_inc(in_force) AND NOT upper_inc(in_force)),
  terms jsonb NOT NULL,
  reason_zh text NOT NULL,
  reason_en text NOT NULL,
  citation text NOT NULL DEFAULT '',
  author_id uuid NOT NULL,
  approver_id uuid,
  approved_at timestamptz,
  CONSTRAINT standing_rules_second_person CHECK (approver_id <> author_id),
  CHECK ((approver_id IS NULL) = (approved_at IS NULL)),
  CONSTRAINT standing_rules_no_overlap EXCLUDE USING gist (
    kind WITH =, subject WITH =, in_force WITH &&
  ) WHERE (approver_id IS NOT NULL)
);
CREATE TRIGGER keep_rule BEFORE UPDATE ON standing_rules FOR EACH ROW EXECUTE FUNCTION keep_rule();

-- The score of a local day, with the facts that made it; none where nothing could be counted.
CREATE TABLE store_scores (
  store_id uuid NOT NULL REFERENCES stores,
  day date NOT NULL,
  rule_id uuid NOT NULL REFERENCES standing_rules,
  score_bp integer CHECK (score_bp BETWEEN 0 AND 10000),
  facts jsonb NOT NULL,
  counted_at timestamptz NOT NULL,
  PRIMARY KEY (store_id, day)
);

-- What was decided stays as it was; that it was taken back is written beside it, once.
CREATE TABLE penalties (
  store_id uuid NOT NULL REFERENCES stores,
  id uuid NOT NULL,
  rule_id uuid NOT NULL REFERENCES standing_rules,
  violation text NOT NULL,
  facts jsonb NOT NULL,
  words text NOT NULL CHECK (length(words) BETWEEN 1 AND 2000),
  fine_minor bigint NOT NULL CHECK (fine_minor >= 0),
  currency char(3) NOT NULL,
  measure text NOT NULL CHECK (measure IN ('none', 'no_new_links')),
  measure_until timestamptz,
  appeal_until timestamptz NOT NULL,
  decided_by uuid NOT NULL REFERENCES people,
  decided_at timestamptz NOT NULL,
  idempotency_key text NOT NULL CHECK (idempotency_key <> ''),
  reversed_at timestamptz,
  reversed_by uuid REFERENCES people,
  reversed_why text,
  PRIMARY KEY (store_id, id),
  CONSTRAINT penalties_one_key UNIQUE (store_id, idempotency_key),
  CONSTRAINT penalties_measure CHECK ((measure = 'none') = (measure_until IS NULL)),
  CONSTRAINT penalties_reversed
    CHECK (num_nonnulls(reversed_at, reversed_by, reversed_why) IN (0, 3))
);
CREATE INDEX penalties_by_time ON penalties (decided_at DESC, id DESC);
CREATE FUNCTION keep_penalty() RETURNS trigger LANGUAGE plpgsql AS
$$ DECLARE may text[] := ARRAY['reversed_at', 'reversed_by', 'reversed_why'];
BEGIN
  IF TG_OP = 'DELETE' OR OLD.reversed_at IS NOT NULL
    OR to_jsonb(OLD) - may IS DISTINCT FROM to_jsonb(NEW) - may
  THEN RAISE EXCEPTION 'penalties are kept: % on % is refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'integrity_constraint_violation'; END IF;
  RETURN NEW; END $$;
CREATE TRIGGER keep_penalty BEFORE UPDATE OR DELETE ON penalties
  FOR EACH ROW EXECUTE FUNCTION keep_penalty();
CREATE TRIGGER keep_all BEFORE TRUNCATE ON penalties
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The orders that a penalty is about, as they stood.
CREATE TABLE penalty_orders (
  store_id uuid NOT NULL,
  penalty_id uuid NOT NULL,
  order_id uuid NOT NULL,
  facts jsonb NOT NULL,
  PRIMARY KEY (store_id, penalty_id, order_id),
  FOREIGN KEY (store_id, penalty_id) REFERENCES penalties,
  FOREIGN KEY (store_id, order_id) REFERENCES orders
);
CREATE INDEX penalty_orders_by_order ON penalty_orders (store_id, order_id);

-- One appeal a penalty, answered once, by somebody else than who decided.
CREATE TABLE penalty_appeals (
  store_id uuid NOT NULL,
  penalty_id uuid NOT NULL,
  words text NOT NULL CHECK (length(words) BETWEEN 1 AND 2000),
  appealed_by uuid NOT NULL REFERENCES people,
  appealed_at timestamptz NOT NULL,
  answered_by uuid REFERENCES people,
  answered_at timestamptz,
  outcome text CHECK (outcome IN ('upheld', 'reversed')),
  answer text CHECK (length(answer) BETWEEN 1 AND 2000),
  PRIMARY KEY (store_id, penalty_id),
  FOREIGN KEY (store_id, penalty_id) REFERENCES penalties,
  CONSTRAINT penalty_appeals_answered
    CHECK (num_nonnulls(answered_by, answered_at, outcome, answer) IN (0, 4))
);
CREATE INDEX penalty_appeals_waiting ON penalty_appeals (appealed_at) WHERE answered_at IS NULL;
