-- partners: rounds and their negotiation -----------------------------------------------------------

-- An agreement with the platform behind a source. `ends_at`: of the signed text, or earlier by notice.
CREATE TABLE partner_rounds (
  id uuid PRIMARY KEY,
  partner_id uuid NOT NULL REFERENCES organisations,
  name_zh text NOT NULL CHECK (length(name_zh) BETWEEN 1 AND 120),
  name_en text NOT NULL CHECK (length(name_en) BETWEEN 1 AND 120),
  previous_id uuid,
  state text NOT NULL DEFAULT 'negotiating'
    CHECK (state IN ('negotiating', 'signed', 'ended', 'given_up')),
  opened_by uuid NOT NULL REFERENCES people,
  opened_at timestamptz NOT NULL,
  signed_at timestamptz,
  ends_at timestamptz,
  notice_by text CHECK (notice_by IN ('platform', 'partner')),
  notice_at timestamptz,
  notice_reason text NOT NULL DEFAULT '',
  ended_at timestamptz,
  CONSTRAINT partner_rounds_of_partner UNIQUE (id, partner_id),
  CONSTRAINT partner_rounds_previous FOREIGN KEY (previous_id, partner_id)
    REFERENCES partner_rounds (id, partner_id),
  CONSTRAINT partner_rounds_signed CHECK ((state IN ('signed', 'ended')) = (signed_at IS NOT NULL)),
  CONSTRAINT partner_rounds_ends CHECK ((signed_at IS NULL) = (ends_at IS NULL)),
  CONSTRAINT partner_rounds_ended CHECK ((state = 'ended') = (ended_at IS NOT NULL)),
  CONSTRAINT partner_rounds_notice CHECK ((notice_by IS NULL) = (notice_at IS NULL))
);
CREATE INDEX partner_rounds_by_partner ON partner_rounds (partner_id, opened_at);

-- A full set of terms, as the text that would be signed; the database itself holds text and hash
-- together. One of a round is on the table, one is signed, all others are history.
CREATE TABLE partner_proposals (
  id uuid PRIMARY KEY,
  round_id uuid NOT NULL REFERENCES partner_rounds,
  number integer NOT NULL CHECK (number >= 1),
  side text NOT NULL CHECK (side IN ('platform', 'partner')),
  author_id uuid NOT NULL REFERENCES people,
  document text NOT NULL,
  hash bytea NOT NULL,
  message text NOT NULL DEFAULT '',
  state text NOT NULL DEFAULT 'offered' CHECK (state IN ('offered', 'countered', 'withdrawn',
    'declined', 'expired', 'accepted', 'half_signed', 'signed', 'replaced')),
  offered_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  accepted_by uuid REFERENCES people,
  accepted_at timestamptz,
  closed_at timestamptz,
  closed_by uuid REFERENCES people,
  close_reason text NOT NULL DEFAULT '',
  CONSTRAINT partner_proposals_once UNIQUE (round_id, number),
  CONSTRAINT partner_proposals_text UNIQUE (id, hash),
  CONSTRAINT partner_proposals_hash CHECK (hash = sha256(convert_to(document, 'UTF8'))),
  CONSTRAINT partner_proposals_lasts CHECK (expires_at > offered_at),
  CONSTRAINT partner_proposals_acceptor CHECK ((accepted_by IS NULL) = (accepted_at IS NULL)),
  CONSTRAINT partner_proposals_accepted CHECK (accepted_by IS NOT NULL
    OR state NOT IN ('accepted', 'half_signed', 'signed', 'replaced')),
  CONSTRAINT partner_proposals_two CHECK (accepted_by <> author_id)
);
CREATE UNIQUE INDEX partner_proposals_one_live ON partner_proposals (round_id)
  WHERE state IN ('offered', 'accepted', 'half_signed');
CREATE UNIQUE INDEX partner_proposals_one_signed ON partner_proposals (round_id)
  WHERE state = 'signed';

-- What was offered stays as it was; only its fate is written.
CREATE FUNCTION keep_proposal() RETURNS trigger LANGUAGE plpgsql AS
$$ DECLARE may text[] := ARRAY['state', 'accepted_by', 'accepted_at', 'closed_at', 'closed_by',
  'close_reason'];
BEGIN
  IF to_jsonb(OLD) - may IS DISTINCT FROM to_jsonb(NEW) - may
    OR (OLD.accepted_by IS NOT NULL AND NEW.accepted_by IS DISTINCT FROM OLD.accepted_by)
  THEN RAISE EXCEPTION 'proposals are kept: % on % is refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'integrity_constraint_violation'; END IF;
  RETURN NEW; END $$;
CREATE TRIGGER keep_proposal BEFORE UPDATE ON partner_proposals
  FOR EACH ROW EXECUTE FUNCTION keep_proposal();

CREATE TABLE partner_signatures (
  id uuid PRIMARY KEY,
  proposal_id uuid NOT NULL,
  hash bytea NOT NULL,
  side text NOT NULL CHECK (side IN ('platform', 'partner')),
  person_id uuid NOT NULL REFERENCES people,
  signer text NOT NULL CHECK (signer <> ''),
  at timestamptz NOT NULL,
  CONSTRAINT partner_signatures_text FOREIGN KEY (proposal_id, hash)
    REFERENCES partner_proposals (id, hash),
  CONSTRAINT partner_signatures_once UNIQUE (proposal_id, side),
  CONSTRAINT partner_signatures_two UNIQUE (proposal_id, person_id)
);

CREATE TABLE partner_comments (
  id uuid PRIMARY KEY,
  round_id uuid NOT NULL REFERENCES partner_rounds,
  number integer,
  term text NOT NULL DEFAULT '',
  side text NOT NULL CHECK (side IN ('platform', 'partner')),
  author_id uuid NOT NULL REFERENCES people,
  body text NOT NULL CHECK (length(body) BETWEEN 1 AND 4000),
  at timestamptz NOT NULL,
  FOREIGN KEY (round_id, number) REFERENCES partner_proposals (round_id, number)
);
CREATE INDEX partner_comments_by_round ON partner_comments (round_id, at);

-- partners: amounts that are not signed ------------------------------------------------------------

-- `reported`: somebody outside says so. `confirmed`: one side does. What is signed stands in the text
-- of the proposal. The three are never mixed and never summed.
CREATE TABLE partner_amounts (
  id uuid PRIMARY KEY,
  round_id uuid NOT NULL REFERENCES partner_rounds,
  kind text NOT NULL CHECK (kind IN ('reported', 'confirmed')),
  component text NOT NULL DEFAULT 'all' CHECK (component IN
    ('all', 'advertising', 'ecommerce_traffic', 'app_revenue', 'other')),
  unit text NOT NULL CHECK (unit IN ('spend', 'gmv', 'orders', 'clicks', 'impressions')),
  amount bigint NOT NULL CHECK (amount > 0),
  currency char(3) NOT NULL,
  is_about boolean NOT NULL,
  times_last_bp integer CHECK (times_last_bp > 0),
  source text NOT NULL CHECK (source <> ''),
  citation text NOT NULL DEFAULT '',
  said_at timestamptz NOT NULL,
  side text CHECK (side IN ('platform', 'partner')),
  author_id uuid NOT NULL REFERENCES people,
  at timestamptz NOT NULL,
  replaces uuid,
  CONSTRAINT partner_amounts_confirmed CHECK ((kind = 'confirmed') = (side IS NOT NULL)),
  CONSTRAINT partner_amounts_same UNIQUE (id, round_id, kind),
  CONSTRAINT partner_amounts_replaced UNIQUE (replaces),
  CONSTRAINT partner_amounts_replaces FOREIGN KEY (replaces, round_id, kind)
    REFERENCES partner_amounts (id, round_id, kind)
);
CREATE INDEX partner_amounts_by_round ON partner_amounts (round_id);

-- partners: what came of it --------------------------------------------------------------------------

-- What was delivered on a day. The job of the day adds what the books say differently now; nothing
-- is edited. `day`: a local day of the platform's zone.
CREATE TABLE partner_deliveries (
  id uuid PRIMARY KEY,
  round_id uuid NOT NULL REFERENCES partner_rounds,
  component text NOT NULL CHECK (component IN
    ('advertising', 'ecommerce_traffic', 'app_revenue', 'other')),
  day date NOT NULL,
  origin text NOT NULL CHECK (origin IN ('books', 'clicks', 'referrals', 'manual')),
  amount bigint NOT NULL CHECK (amount <> 0),
  author_id uuid REFERENCES people,
  note text NOT NULL DEFAULT '',
  at timestamptz NOT NULL,
  CONSTRAINT partner_deliveries_author CHECK ((origin = 'manual') = (author_id IS NOT NULL))
);
CREATE INDEX partner_deliveries_by_round ON partner_deliveries (round_id, component, day);

-- Each booking of a rebate: so much was delivered, so much has come back in all.
CREATE TABLE partner_accruals (
  id uuid PRIMARY KEY,
  round_id uuid NOT NULL REFERENCES partner_rounds,
  component text NOT NULL CHECK (component IN
    ('advertising', 'ecommerce_traffic', 'app_revenue', 'other')),
  number integer NOT NULL CHECK (number >= 1),
  delivered bigint NOT NULL,
  total_minor bigint NOT NULL CHECK (total_minor >= 0),
  at timestamptz NOT NULL,
  CONSTRAINT partner_accruals_once UNIQUE (round_id, component, number)
);

CREATE TABLE partner_alarms (
  id uuid PRIMARY KEY,
  round_id uuid NOT NULL REFERENCES partner_rounds,
  component text NOT NULL,
  committed bigint NOT NULL CHECK (committed > 0),
  forecast bigint NOT NULL,
  raised_at timestamptz NOT NULL,
  cleared_at timestamptz
);
CREATE UNIQUE INDEX partner_alarms_one ON partner_alarms (round_id, component)
  WHERE cleared_at IS NULL;

-- The true-up: what is owed at the end, line by line.
CREATE TABLE partner_statements (
  id uuid PRIMARY KEY,
  round_id uuid NOT NULL REFERENCES partner_rounds,
  currency char(3) NOT NULL,
  made_at timestamptz NOT NULL,
  CONSTRAINT partner_statements_once UNIQUE (round_id)
);

CREATE TABLE partner_statement_lines (
  id uuid PRIMARY KEY,
  statement_id uuid NOT NULL REFERENCES partner_statements,
  line_no smallint NOT NULL CHECK (line_no >= 1),
  component text NOT NULL CHECK (component IN
    ('advertising', 'ecommerce_traffic', 'app_revenue', 'other')),
  what text NOT NULL CHECK (what IN ('rebate', 'shortfall')),
  unit text NOT NULL CHECK (unit IN ('spend', 'gmv', 'orders', 'clicks', 'impressions')),
  committed bigint NOT NULL CHECK (committed > 0),
  delivered bigint NOT NULL,
  base_minor bigint NOT NULL CHECK (base_minor >= 0),
  rate_bp integer NOT NULL CHECK (rate_bp BETWEEN 0 AND 10000),
  owed_by text NOT NULL CHECK (owed_by IN ('platform', 'partner')),
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  CONSTRAINT partner_statement_lines_once UNIQUE (statement_id, line_no)
);

CREATE TABLE partner_disputes (
  id uuid PRIMARY KEY,
  round_id uuid NOT NULL REFERENCES partner_rounds,
  component text NOT NULL DEFAULT 'all' CHECK (component IN
    ('all', 'advertising', 'ecommerce_traffic', 'app_revenue', 'other')),
  subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
  side text NOT NULL CHECK (side IN ('platform', 'partner')),
  opened_by uuid NOT NULL REFERENCES people,
  opened_at timestamptz NOT NULL,
  closed_at timestamptz,
  closed_by uuid REFERENCES people,
  resolution text NOT NULL DEFAULT '',
  CONSTRAINT partner_disputes_closed CHECK ((closed_at IS NULL) = (closed_by IS NULL)
    AND (closed_at IS NULL) = (resolution = ''))
);
CREATE INDEX partner_disputes_by_round ON partner_disputes (round_id);

CREATE TABLE partner_dispute_notes (
  id uuid PRIMARY KEY,
  dispute_id uuid NOT NULL REFERENCES partner_disputes,
  side text NOT NULL CHECK (side IN ('platform', 'partner')),
  author_id uuid NOT NULL REFERENCES people,
  body text NOT NULL CHECK (length(body) BETWEEN 1 AND 4000),
  at timestamptz NOT NULL
);
CREATE INDEX partner_dispute_notes_by_dispute ON partner_dispute_notes (dispute_id, at);

CREATE INDEX fee_rules_by_round ON fee_rules (round_id) WHERE round_id IS NOT NULL;
CREATE INDEX link_rules_by_round ON link_rules (round_id) WHERE round_id IS NOT NULL;

-- An offer lapses and a round ends by a deadline, as an order does.
ALTER TABLE deadlines DROP CONSTRAINT deadlines_kind_check, ADD CONSTRAINT deadlines_kind_check
  CHECK (kind IN ('pay_by', 'receive_by', 'final_at', 'offer_expires', 'round_ends'));

-- what the app may do ------------------------------------------------------------------------------

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['partner_signatures', 'partner_comments', 'partner_amounts',
    'partner_deliveries', 'partner_accruals', 'partner_statements', 'partner_statement_lines',
    'partner_dispute_notes'] LOOP
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %I FROM dougong_app', t);
    EXECUTE format('CREATE TRIGGER keep_fact BEFORE UPDATE OR DELETE ON %I
      FOR EACH ROW EXECUTE FUNCTION refuse_change()', t);
    EXECUTE format('CREATE TRIGGER keep_all BEFORE TRUNCATE ON %I
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['partner_rounds', 'partner_proposals', 'partner_alarms',
    'partner_disputes'] LOOP
    EXECUTE format('REVOKE DELETE, TRUNCATE ON %I FROM dougong_app', t);
  END LOOP;
END $$;
