-- agencies: a share of what a creator earns with tasks, by a contract with dates ---------------------

CREATE TABLE agency_contracts (
  id uuid PRIMARY KEY,
  agency_id uuid NOT NULL REFERENCES organisations,
  creator_id uuid NOT NULL REFERENCES organisations,
  share_bp integer NOT NULL CHECK (share_bp BETWEEN 1 AND 9000),
  in_force tstzrange NOT NULL
    CHECK (NOT isempty(in_force) AND lower_inc(in_force) AND NOT upper_inc(in_force)),
  state text NOT NULL DEFAULT 'offered'
    CHECK (state IN ('offered', 'accepted', 'declined', 'withdrawn', 'ended')),
  offered_by uuid NOT NULL REFERENCES people,
  offered_at timestamptz NOT NULL,
  answered_by uuid REFERENCES people,
  answered_at timestamptz,
  CONSTRAINT agency_contracts_two_sides CHECK (agency_id <> creator_id),
  CONSTRAINT agency_contracts_answered CHECK ((state = 'offered') = (answered_at IS NULL)),
  -- one agency at a time: whose share it is must never be a question
  CONSTRAINT agency_contracts_one_at_a_time EXCLUDE USING gist
    (creator_id WITH =, in_force WITH &&) WHERE (state IN ('accepted', 'ended'))
);
CREATE INDEX agency_contracts_by_agency ON agency_contracts (agency_id, offered_at);
CREATE INDEX agency_contracts_by_creator ON agency_contracts (creator_id, offered_at);

-- briefs: what a brand wants; `terms` as tasks/brief_rules.py reads them ------------------------------

CREATE TABLE task_briefs (
  id uuid PRIMARY KEY,
  brand_id uuid NOT NULL REFERENCES organisations,
  state text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'posted', 'closed')),
  way text NOT NULL CHECK (way IN ('assigned', 'open', 'recruiting')),
  title_zh text NOT NULL CHECK (length(title_zh) BETWEEN 1 AND 120),
  title_en text NOT NULL DEFAULT '' CHECK (length(title_en) <= 120),
  body_zh text NOT NULL DEFAULT '' CHECK (length(body_zh) <= 4000),
  body_en text NOT NULL DEFAULT '' CHECK (length(body_en) <= 4000),
  surface text NOT NULL CHECK (surface IN ('video', 'live')),
  source text NOT NULL,
  price_model text NOT NULL CHECK (price_model IN
    ('one_price', 'commission', 'price_and_commission', 'per_thousand_views', 'tiered')),
  currency char(3) NOT NULL,
  most_minor bigint NOT NULL CHECK (most_minor >= 0), -- what one task can come to
  budget_minor bigint NOT NULL CHECK (budget_minor >= 0),
  taken_minor bigint NOT NULL DEFAULT 0,
  places integer NOT NULL CHECK (places BETWEEN 1 AND 10000),
  taken integer NOT NULL DEFAULT 0,
  terms jsonb NOT NULL,
  apply_until timestamptz NOT NULL,
  made_by uuid NOT NULL REFERENCES people,
  made_at timestamptz NOT NULL,
  posted_at timestamptz,
  closed_at timestamptz,
  UNIQUE (id, brand_id),
  CONSTRAINT task_briefs_places CHECK (taken BETWEEN 0 AND places),
  CONSTRAINT task_briefs_budget CHECK (taken_minor BETWEEN 0 AND budget_minor),
  CONSTRAINT task_briefs_posted CHECK (state <> 'posted' OR posted_at IS NOT NULL),
  CONSTRAINT task_briefs_closed CHECK ((state = 'closed') = (closed_at IS NOT NULL))
);
CREATE INDEX task_briefs_by_brand ON task_briefs (brand_id, made_at DESC, id DESC);
CREATE INDEX task_briefs_posted_ones ON task_briefs (posted_at DESC, id DESC) WHERE state = 'posted';

-- `seen`: the price, the fee and what was left of it, as the creator was shown it.
CREATE TABLE task_applications (
  id uuid PRIMARY KEY,
  brief_id uuid NOT NULL REFERENCES task_briefs,
  creator_id uuid NOT NULL REFERENCES organisations,
  state text NOT NULL
    CHECK (state IN ('invited', 'applied', 'agreed', 'declined', 'withdrawn', 'lapsed')),
  note text NOT NULL DEFAULT '' CHECK (length(note) <= 1000),
  seen jsonb,
  made_at timestamptz NOT NULL,
  decided_at timestamptz,
  decided_by uuid REFERENCES people,
  UNIQUE (brief_id, creator_id),
  CONSTRAINT task_applications_decided
    CHECK ((state IN ('invited', 'applied')) = (decided_at IS NULL))
);
CREATE INDEX task_applications_by_creator ON task_applications (creator_id, made_at DESC, id DESC);

-- work: an agreed task from its delivery to its money ---------------------------------------------------

CREATE TABLE task_works (
  task_id uuid PRIMARY KEY REFERENCES task_agreements,
  brief_id uuid NOT NULL,
  application_id uuid NOT NULL UNIQUE REFERENCES task_applications,
  brand_id uuid NOT NULL REFERENCES organisations,
  creator_id uuid NOT NULL REFERENCES organisations,
  state text NOT NULL DEFAULT 'agreed' CHECK (state IN ('agreed', 'delivered', 'redo',
    'part_offered', 'disputed', 'accepted', 'part_accepted', 'ruled', 'cancelled', 'lapsed')),
  terms jsonb NOT NULL,
  currency char(3) NOT NULL,
  funded_minor bigint NOT NULL CHECK (funded_minor >= 0),
  service_fee_bp integer NOT NULL CHECK (service_fee_bp BETWEEN 0 AND 10000),
  contract_id uuid REFERENCES agency_contracts,
  agency_id uuid REFERENCES organisations,
  agency_bp integer NOT NULL DEFAULT 0 CHECK (agency_bp BETWEEN 0 AND 9000),
  agreed_at timestamptz NOT NULL,
  samples_sent_at timestamptz,
  samples_received_at timestamptz,
  delivery_no integer NOT NULL DEFAULT 0,
  offered_bp integer CHECK (offered_bp BETWEEN 0 AND 9999), -- a part that is on the table
  measured bigint, -- views, orders or sales that the price went by
  reached_minor bigint CHECK (reached_minor >= 0), -- by result, when it was cancelled
  reached_bp integer CHECK (reached_bp BETWEEN 0 AND 10000),
  basis_minor bigint, -- the price for all of it; of what was cancelled, its fixed part
  share_bp integer CHECK (share_bp BETWEEN 0 AND 10000),
  fee_minor bigint,
  agency_minor bigint,
  creator_minor bigint,
  back_minor bigint,
  why text NOT NULL DEFAULT '',
  closed_at timestamptz,
  FOREIGN KEY (brief_id, brand_id) REFERENCES task_briefs (id, brand_id),
  CONSTRAINT task_works_agency CHECK ((agency_id IS NULL) = (agency_bp = 0)
    AND (agency_id IS NULL) = (contract_id IS NULL)),
  CONSTRAINT task_works_reached CHECK ((reached_minor IS NULL) = (reached_bp IS NULL)
    AND (reached_minor IS NULL OR (state = 'cancelled' AND measured IS NOT NULL))),
  CONSTRAINT task_works_samples CHECK (samples_received_at IS NULL OR samples_sent_at IS NOT NULL),
  CONSTRAINT task_works_part CHECK ((state = 'part_offered') = (offered_bp IS NOT NULL)),
  CONSTRAINT task_works_closed CHECK (
    (state IN ('accepted', 'part_accepted', 'ruled', 'cancelled', 'lapsed'))
      = (closed_at IS NOT NULL)
    AND num_nonnulls(closed_at, basis_minor, share_bp, fee_minor, agency_minor, creator_minor,
      back_minor) IN (0, 7)),
  CONSTRAINT task_works_whole CHECK (closed_at IS NULL OR (
    least(fee_minor, agency_minor, creator_minor, back_minor) >= 0
    AND fee_minor + agency_minor + creator_minor + back_minor = funded_minor))
);
CREATE INDEX task_works_by_brief ON task_works (brief_id, agreed_at);
CREATE INDEX task_works_by_brand ON task_works (brand_id, agreed_at DESC, task_id DESC);
CREATE INDEX task_works_by_creator ON task_works (creator_id, agreed_at DESC, task_id DESC);
CREATE INDEX task_works_by_agency ON task_works (agency_id, agreed_at DESC, task_id DESC)
  WHERE agency_id IS NOT NULL;
CREATE INDEX task_works_disputed ON task_works (agreed_at) WHERE state = 'disputed';

-- `evidence`: what the platform's own record says, as both sides are shown it.
CREATE TABLE task_deliveries (
  id uuid PRIMARY KEY,
  task_id uuid NOT NULL REFERENCES task_works,
  number integer NOT NULL CHECK (number > 0),
  video_id uuid REFERENCES videos,
  note text NOT NULL DEFAULT '' CHECK (length(note) <= 2000),
  evidence jsonb NOT NULL,
  at timestamptz NOT NULL,
  by_id uuid NOT NULL REFERENCES people,
  UNIQUE (task_id, number)
);

-- What was said of a task, and what was done to it: asked to do again, disputed, stated, ruled.
CREATE TABLE task_notes (
  id uuid PRIMARY KEY,
  task_id uuid NOT NULL REFERENCES task_works,
  side text NOT NULL CHECK (side IN ('brand', 'creator', 'operator', 'deadline')),
  kind text NOT NULL CHECK (kind IN ('samples', 'redo', 'part', 'dispute', 'statement', 'ruling',
    'cancel', 'checked', 'received')),
  body text NOT NULL DEFAULT '' CHECK (length(body) <= 4000),
  share_bp integer CHECK (share_bp BETWEEN 0 AND 10000),
  evidence jsonb,
  at timestamptz NOT NULL,
  person_id uuid REFERENCES people,
  CONSTRAINT task_notes_person CHECK ((side = 'deadline') = (person_id IS NULL))
);
CREATE INDEX task_notes_by_task ON task_notes (task_id, at, id);
CREATE UNIQUE INDEX task_notes_one_ruling ON task_notes (task_id) WHERE kind = 'ruling';

CREATE TABLE task_ratings (
  task_id uuid NOT NULL REFERENCES task_works,
  side text NOT NULL CHECK (side IN ('brand', 'creator')), -- who rates the other
  stars smallint NOT NULL CHECK (stars BETWEEN 1 AND 5),
  words text NOT NULL DEFAULT '' CHECK (length(words) <= 500),
  at timestamptz NOT NULL,
  person_id uuid NOT NULL REFERENCES people,
  PRIMARY KEY (task_id, side)
);

-- Whoever spends of a brand's funds locks its row first: two never spend the same money.
CREATE TABLE task_purses (
  brand_id uuid NOT NULL REFERENCES organisations,
  currency char(3) NOT NULL,
  PRIMARY KEY (brand_id, currency)
);

CREATE INDEX product_links_by_task ON product_links (task_id) WHERE task_id IS NOT NULL;

ALTER TABLE deadlines DROP CONSTRAINT deadlines_kind_check, ADD CONSTRAINT deadlines_kind_check
  CHECK (kind IN ('pay_by', 'receive_by', 'final_at', 'offer_expires', 'round_ends')
    OR kind ~ '^(live|gift|task|case)_[a-z_]+$');

-- what the app may do ------------------------------------------------------------------------------

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['task_deliveries', 'task_notes', 'task_ratings'] LOOP
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %I FROM dougong_app', t);
    EXECUTE format('CREATE TRIGGER keep_all BEFORE TRUNCATE ON %I
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['task_deliveries', 'task_notes'] LOOP
    EXECUTE format('CREATE TRIGGER keep_fact BEFORE UPDATE OR DELETE ON %I
      FOR EACH ROW EXECUTE FUNCTION refuse_change()', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['agency_contracts', 'task_briefs', 'task_applications', 'task_works',
    'task_purses'] LOOP
    EXECUTE format('REVOKE DELETE, TRUNCATE ON %I FROM dougong_app', t);
  END LOOP;
END $$;

CREATE TRIGGER keep_rating BEFORE UPDATE OR DELETE ON task_ratings
  FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What was agreed stays: terms, money and rates of a task, share and creator of a contract.
REVOKE UPDATE ON task_works, agency_contracts FROM dougong_app;
GRANT UPDATE (state, samples_sent_at, samples_received_at, delivery_no, offered_bp, measured,
  reached_minor, reached_bp, basis_minor, share_bp, fee_minor, agency_minor, creator_minor,
  back_minor, why, closed_at) ON task_works TO dougong_app;
GRANT UPDATE (state, in_force, answered_by, answered_at) ON agency_contracts TO dougong_app;
