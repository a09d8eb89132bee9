-- links: sources -------------------------------------------------------------------------------

-- A third-party platform that product links may end at. `hosts`: names, or `*.name` for all below.
CREATE TABLE sources (
  code text PRIMARY KEY CHECK (code ~ '^[a-z][a-z0-9_]{1,30}$' AND code NOT IN ('own', 'outside')),
  name_zh text NOT NULL CHECK (name_zh <> ''),
  name_en text NOT NULL CHECK (name_en <> ''),
  hosts text[] NOT NULL CHECK (cardinality(hosts) BETWEEN 1 AND 50),
  adapter text NOT NULL CHECK (adapter IN ('page', 'feed', 'ucp')),
  settings jsonb NOT NULL DEFAULT '{}',
  partner_id uuid REFERENCES organisations,
  asks_before_leaving boolean NOT NULL DEFAULT false,
  when_denied text NOT NULL DEFAULT 'hide' CHECK (when_denied IN ('hide', 'convert')),
  created_at timestamptz NOT NULL
);

CREATE TABLE source_states (
  id uuid PRIMARY KEY,
  source text NOT NULL REFERENCES sources,
  state text NOT NULL CHECK (state IN ('open', 'paused', 'closed')),
  in_force tstzrange NOT NULL
    CHECK (NOT isempty(in_force) AND lower_inc(in_force) AND NOT upper_inc(in_force)),
  reason_zh text NOT NULL,
  reason_en text NOT NULL,
  CONSTRAINT source_states_no_overlap EXCLUDE USING gist (source WITH =, in_force WITH &&)
);

-- A product of a source, as it was last seen there.
CREATE TABLE outside_products (
  id uuid PRIMARY KEY,
  source text NOT NULL REFERENCES sources,
  item_id text NOT NULL CHECK (item_id <> ''),
  url text NOT NULL,
  title text NOT NULL DEFAULT '',
  image_url text,
  image_file text,
  gtin text,
  category text NOT NULL DEFAULT '',
  price_minor bigint CHECK (price_minor >= 0),
  currency char(3),
  commission_bp integer CHECK (commission_bp BETWEEN 0 AND 10000),
  state text NOT NULL DEFAULT 'good' CHECK (state IN ('good', 'gone', 'moved', 'swapped')),
  seen_at timestamptz NOT NULL,
  checked_at timestamptz NOT NULL,
  check_after timestamptz NOT NULL,
  failures smallint NOT NULL DEFAULT 0 CHECK (failures >= 0),
  CONSTRAINT outside_products_once UNIQUE (source, item_id),
  CHECK ((price_minor IS NULL) = (currency IS NULL))
);
CREATE INDEX outside_products_to_check ON outside_products (check_after) WHERE state = 'good';
CREATE INDEX outside_products_by_gtin ON outside_products (gtin) WHERE gtin IS NOT NULL;

-- Where a merchant's own product is really bought, when not here; it is judged as that source.
ALTER TABLE products ADD COLUMN purchase_url text, ADD COLUMN purchase_source text NOT NULL DEFAULT 'own',
  ADD CONSTRAINT products_purchase CHECK ((purchase_url IS NULL) = (purchase_source = 'own'));

-- The same product at several stores, and at sources.
CREATE INDEX skus_by_gtin ON skus (gtin) WHERE gtin IS NOT NULL;

-- links: product links and clicks -----------------------------------------------------------------

-- `when_denied`: what becomes of the link when a rule denies it: as its source says, hidden, or turned
-- into an own-store offer, which is the one of `instead_*` or the cheapest of the same GTIN. That offer
-- is a link of its own, which stands in for the hidden one (`converts_link`) until it is shown again.

ALTER TABLE product_links
  ALTER COLUMN video_id DROP NOT NULL,
  ALTER COLUMN store_id DROP NOT NULL,
  ALTER COLUMN product_id DROP NOT NULL,
  ADD COLUMN outside_product_id uuid REFERENCES outside_products,
  ADD COLUMN code text NOT NULL DEFAULT substr(md5(gen_random_uuid()::text), 1, 12),
  ADD COLUMN category text NOT NULL DEFAULT '',
  ADD COLUMN task_id uuid,
  ADD COLUMN asked_url text,
  ADD COLUMN hops jsonb NOT NULL DEFAULT '[]',
  ADD COLUMN verdict_rule_id uuid,
  ADD COLUMN terms jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN hidden_at timestamptz,
  ADD COLUMN hidden_rule_id uuid,
  ADD COLUMN when_denied text NOT NULL DEFAULT 'default'
    CHECK (when_denied IN ('default', 'hide', 'convert')),
  ADD COLUMN instead_store_id uuid,
  ADD COLUMN instead_product_id uuid,
  ADD COLUMN converts_link uuid REFERENCES product_links,
  ADD FOREIGN KEY (instead_store_id, instead_product_id) REFERENCES products,
  ADD CONSTRAINT product_links_instead CHECK ((instead_store_id IS NULL) = (instead_product_id IS NULL)
    AND (instead_store_id IS NULL OR when_denied = 'convert')),
  ADD CONSTRAINT product_links_converts CHECK (converts_link IS NULL OR store_id IS NOT NULL),
  ADD CONSTRAINT product_links_code UNIQUE (code),
  ADD CONSTRAINT product_links_own_or_outside CHECK ((store_id IS NULL) <> (outside_product_id IS NULL)),
  ADD CONSTRAINT product_links_store_product CHECK ((store_id IS NULL) = (product_id IS NULL)),
  ADD CONSTRAINT product_links_outside_source CHECK (outside_product_id IS NULL OR source <> 'own'),
  ADD CONSTRAINT product_links_task CHECK ((route = 'task') = (task_id IS NOT NULL)),
  ADD CONSTRAINT product_links_hidden CHECK (hidden_at IS NOT NULL OR hidden_rule_id IS NULL);
CREATE UNIQUE INDEX product_links_outside_once ON product_links (video_id, outside_product_id)
  WHERE removed_at IS NULL AND outside_product_id IS NOT NULL;
-- Once in a creator's live cart, whichever room it is.
CREATE UNIQUE INDEX product_links_live_once ON product_links
  (creator_id, COALESCE(product_id, outside_product_id))
  WHERE surface = 'live' AND removed_at IS NULL;
CREATE UNIQUE INDEX product_links_converted_once ON product_links (converts_link)
  WHERE converts_link IS NOT NULL AND removed_at IS NULL;
CREATE INDEX product_links_by_source ON product_links (source, surface, route) WHERE removed_at IS NULL;
-- Room on each page: a sweep that hides many links leaves the indexes alone, as none holds what it sets.
ALTER TABLE product_links SET (fillfactor = 75);

-- Every click is kept; `validity` says which ones count, and why the others do not.
ALTER TABLE clicks
  ADD COLUMN validity text NOT NULL DEFAULT 'valid'
    CHECK (validity IN ('valid', 'repeat', 'bot', 'self', 'prefetch', 'no_act', 'no_shelf', 'hidden')),
  ADD COLUMN visitor text NOT NULL DEFAULT '',
  ADD COLUMN source text NOT NULL DEFAULT 'own',
  ADD COLUMN sub_id text,
  ADD COLUMN share_code text,
  ADD COLUMN shelf_token text,
  ADD CONSTRAINT clicks_shelf_token UNIQUE (shelf_token),
  ADD CONSTRAINT clicks_sub_id UNIQUE (sub_id);
CREATE INDEX clicks_by_visitor ON clicks (link_id, visitor, at);

-- links: sharing to other platforms ----------------------------------------------------------------

CREATE TABLE share_channels (
  code text PRIMARY KEY CHECK (code ~ '^[a-z][a-z0-9_]{1,30}$'),
  name_zh text NOT NULL CHECK (name_zh <> ''),
  name_en text NOT NULL CHECK (name_en <> ''),
  created_at timestamptz NOT NULL
);

INSERT INTO share_channels (code, name_zh, name_en, created_at) VALUES
  ('wechat', '微信', 'WeChat', '2018-01-01T00:00:00Z'),
  ('weibo', '微博', 'Weibo', '2018-01-01T00:00:00Z'),
  ('qq', 'QQ', 'QQ', '2018-01-01T00:00:00Z'),
  ('douyin', '抖音', 'Douyin', '2018-01-01T00:00:00Z'),
  ('copy', '复制链接', 'Copy link', '2018-01-01T00:00:00Z');

-- Without a row for an instant, a channel is open.
CREATE TABLE share_channel_states (
  id uuid PRIMARY KEY,
  channel text NOT NULL REFERENCES share_channels,
  state text NOT NULL CHECK (state IN ('open', 'blocked')),
  in_force tstzrange NOT NULL
    CHECK (NOT isempty(in_force) AND lower_inc(in_force) AND NOT upper_inc(in_force)),
  reason_zh text NOT NULL,
  reason_en text NOT NULL,
  CONSTRAINT share_channel_states_no_overlap EXCLUDE USING gist (channel WITH =, in_force WITH &&)
);

CREATE TABLE share_codes (
  code text PRIMARY KEY CHECK (code ~ '^[A-Z0-9]{8,14}$'),
  video_id uuid NOT NULL REFERENCES videos,
  link_id uuid REFERENCES product_links,
  channel text NOT NULL REFERENCES share_channels,
  person_id uuid REFERENCES people,
  made_at timestamptz NOT NULL,
  CONSTRAINT share_codes_once UNIQUE NULLS NOT DISTINCT (video_id, link_id, channel, person_id)
);

-- policy: link rules -------------------------------------------------------------------------------

-- `round_id`: the signed agreement round that announced the row by itself.
ALTER TABLE fee_rules ADD COLUMN round_id uuid;

CREATE TABLE link_rules (
  id uuid PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('link')),
  source text NOT NULL DEFAULT '*',
  surface text NOT NULL DEFAULT '*',
  category text NOT NULL DEFAULT '*',
  route text NOT NULL DEFAULT '*',
  party_class text NOT NULL DEFAULT '*',
  party text NOT NULL DEFAULT '*',
  merchant_class text NOT NULL DEFAULT '*',
  announced_at timestamptz NOT NULL,
  in_force tstzrange NOT NULL
    CHECK (NOT isempty(in_force) AND lower_inc(in_force) AND NOT upper_inc(in_force)),
  rollout_bp integer NOT NULL DEFAULT 10000 CHECK (rollout_bp BETWEEN 0 AND 10000),
  allowed boolean NOT NULL,
  reason_zh text NOT NULL,
  reason_en text NOT NULL,
  citation text NOT NULL DEFAULT '',
  author_id uuid NOT NULL,
  approver_id uuid,
  approved_at timestamptz,
  round_id uuid,
  CONSTRAINT link_rules_second_person CHECK (approver_id <> author_id),
  CHECK ((approver_id IS NULL) = (approved_at IS NULL)),
  CONSTRAINT link_rules_no_overlap EXCLUDE USING gist (
    kind WITH =, source WITH =, surface WITH =, category WITH =, route WITH =,
    party_class WITH =, party WITH =, merchant_class WITH =, in_force WITH &&
  ) WHERE (approver_id IS NOT NULL)
);
CREATE TRIGGER keep_rule BEFORE UPDATE ON link_rules FOR EACH ROW EXECUTE FUNCTION keep_rule();

-- One pass over the links at an instant at which verdicts change; `done_at` NULL: still under way.
CREATE TABLE link_sweeps (
  id uuid PRIMARY KEY,
  at timestamptz NOT NULL,
  looked integer NOT NULL DEFAULT 0 CHECK (looked >= 0),
  hidden integer NOT NULL DEFAULT 0 CHECK (hidden >= 0),
  shown integer NOT NULL DEFAULT 0 CHECK (shown >= 0),
  converted integer NOT NULL DEFAULT 0 CHECK (converted >= 0),
  after_link uuid,
  done_at timestamptz,
  CONSTRAINT link_sweeps_once UNIQUE (at)
);

-- tasks: what a brand and a creator have agreed on ----------------------------------------------------

CREATE TABLE task_agreements (
  id uuid PRIMARY KEY,
  brand_id uuid NOT NULL REFERENCES organisations,
  creator_id uuid NOT NULL REFERENCES organisations,
  surface text NOT NULL CHECK (surface IN ('video', 'live')),
  source text NOT NULL,
  category text NOT NULL,
  price_model text NOT NULL DEFAULT 'one_price' CHECK (price_model IN
    ('one_price', 'commission', 'price_and_commission', 'per_thousand_views', 'tiered')),
  price_minor bigint NOT NULL, -- the most that it can come to
  currency char(3) NOT NULL,
  service_fee_bp integer NOT NULL CHECK (service_fee_bp BETWEEN 0 AND 10000),
  service_fee_rule_id uuid NOT NULL,
  verdict_rule_id uuid,
  state text NOT NULL DEFAULT 'agreed' CHECK (state IN ('agreed', 'cancelled', 'done')),
  agreed_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  closed_at timestamptz,
  CONSTRAINT task_agreements_price CHECK (CASE price_model WHEN 'commission' THEN price_minor = 0
    ELSE price_minor > 0 END),
  CONSTRAINT task_agreements_window CHECK (ends_at > agreed_at),
  CONSTRAINT task_agreements_two_sides CHECK (brand_id <> creator_id),
  CONSTRAINT task_agreements_closed CHECK ((state = 'agreed') = (closed_at IS NULL))
);
ALTER TABLE product_links ADD FOREIGN KEY (task_id) REFERENCES task_agreements;
CREATE INDEX task_agreements_by_creator ON task_agreements (creator_id, agreed_at);

-- what the app may do ------------------------------------------------------------------------------

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['link_rules', 'clicks', 'product_links', 'outside_products', 'sources',
    'source_states', 'share_channel_states', 'task_agreements'] LOOP
    EXECUTE format('REVOKE DELETE, TRUNCATE ON %I FROM dougong_app', t);
  END LOOP;
END $$;

-- A task changes only by being closed: what is frozen on it stays.
REVOKE UPDATE ON task_agreements FROM dougong_app;
GRANT UPDATE (state, closed_at) ON task_agreements TO dougong_app;
