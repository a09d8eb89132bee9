CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'append-only: % on % is refused', TG_OP, TG_TABLE_NAME
   USING ERRCODE = 'integrity_constraint_violation'; END $$;

-- infra ------------------------------------------------------------------------------------

CREATE TABLE business_clock (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  offset_s double precision NOT NULL DEFAULT 0 -- below zero: a market that plays the past
);
INSERT INTO business_clock DEFAULT VALUES;

CREATE TABLE events (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL,
  store_id uuid,
  subject_id uuid NOT NULL,
  at timestamptz NOT NULL,
  facts jsonb NOT NULL,
  fanned_out_at timestamptz
);
CREATE INDEX events_waiting ON events (id) WHERE fanned_out_at IS NULL;
CREATE INDEX events_by_subject ON events (subject_id, id);

CREATE TABLE deadlines (
  store_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('pay_by', 'receive_by', 'final_at')),
  subject_id uuid NOT NULL,
  due_at timestamptz NOT NULL,
  done_at timestamptz,
  outcome text,
  PRIMARY KEY (store_id, kind, subject_id)
);
CREATE INDEX deadlines_waiting ON deadlines (due_at) WHERE done_at IS NULL;

CREATE TABLE inbox (
  source text NOT NULL,
  event_id text NOT NULL,
  received_at timestamptz NOT NULL,
  body jsonb NOT NULL,
  done_at timestamptz,
  outcome text,
  PRIMARY KEY (source, event_id)
);
CREATE INDEX inbox_waiting ON inbox (received_at) WHERE done_at IS NULL;

CREATE TABLE idempotency_keys (
  owner_id uuid NOT NULL,
  route text NOT NULL,
  key text NOT NULL CHECK (length(key) BETWEEN 8 AND 200),
  request_hash bytea NOT NULL,
  status smallint NOT NULL,
  answer bytea NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (owner_id, route, key)
);

CREATE UNLOGGED TABLE rate_windows (
  bucket text NOT NULL,
  window_at timestamptz NOT NULL,
  hits integer NOT NULL,
  PRIMARY KEY (bucket, window_at)
);

-- accounts ---------------------------------------------------------------------------------

CREATE TABLE people (
  id uuid PRIMARY KEY,
  email text NOT NULL UNIQUE CHECK (email = lower(email)),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
  password_hash text NOT NULL,
  locale text NOT NULL CHECK (locale IN ('zh', 'en')),
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended')),
  is_demo boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL
);

CREATE TABLE organisations (
  id uuid PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('creator', 'merchant', 'advertiser', 'partner', 'operator')),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
  handle text NOT NULL UNIQUE CHECK (handle ~ '^[a-z0-9][a-z0-9_.-]{1,39}$'),
  bio_zh text NOT NULL DEFAULT '',
  bio_en text NOT NULL DEFAULT '',
  name_en text NOT NULL DEFAULT '',
  avatar_file text,
  created_at timestamptz NOT NULL
);

CREATE TABLE grants (
  person_id uuid NOT NULL REFERENCES people,
  org_id uuid NOT NULL REFERENCES organisations,
  role text NOT NULL CHECK (role IN ('creator', 'merchant', 'advertiser', 'partner', 'operator')),
  granted_at timestamptz NOT NULL,
  PRIMARY KEY (person_id, org_id, role)
);

CREATE TABLE sessions (
  token_hash bytea PRIMARY KEY,
  person_id uuid NOT NULL REFERENCES people,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  user_agent text NOT NULL DEFAULT ''
);
CREATE INDEX sessions_by_person ON sessions (person_id);

CREATE TABLE api_keys (
  id uuid PRIMARY KEY,
  person_id uuid NOT NULL REFERENCES people,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
  prefix text NOT NULL,
  key_hash bytea NOT NULL UNIQUE,
  scopes text[] NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz,
  revoked_at timestamptz
);
CREATE INDEX api_keys_by_person ON api_keys (person_id);

CREATE TABLE invitations (
  id uuid PRIMARY KEY,
  org_id uuid NOT NULL REFERENCES organisations,
  token_hash bytea NOT NULL UNIQUE,
  note text NOT NULL CHECK (length(note) BETWEEN 1 AND 80),
  invited_by uuid NOT NULL REFERENCES people,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
  closed_at timestamptz,
  used_by uuid REFERENCES people,
  CHECK (used_by IS NULL OR closed_at IS NOT NULL)
);
CREATE INDEX invitations_by_org ON invitations (org_id);

CREATE TABLE addresses (
  person_id uuid NOT NULL REFERENCES people,
  id uuid NOT NULL,
  recipient text NOT NULL CHECK (length(recipient) BETWEEN 1 AND 80),
  phone text NOT NULL CHECK (length(phone) BETWEEN 5 AND 30),
  country text NOT NULL DEFAULT 'CN' CHECK (length(country) = 2),
  province text NOT NULL,
  city text NOT NULL,
  district text NOT NULL DEFAULT '',
  line text NOT NULL CHECK (length(line) BETWEEN 1 AND 200),
  postcode text NOT NULL DEFAULT '',
  is_default boolean NOT NULL DEFAULT false,
  removed_at timestamptz,
  PRIMARY KEY (person_id, id)
);
CREATE UNIQUE INDEX addresses_one_default ON addresses (person_id)
  WHERE is_default AND removed_at IS NULL;

CREATE TABLE audit_log (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL,
  person_id uuid,
  action text NOT NULL,
  owner_id uuid,
  subject text NOT NULL,
  facts jsonb NOT NULL,
  request_id text NOT NULL DEFAULT ''
);
CREATE INDEX audit_by_owner ON audit_log (owner_id, id);

-- webhooks ---------------------------------------------------------------------------------

CREATE TABLE webhook_endpoints (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  url text NOT NULL,
  secret text NOT NULL,
  kinds text[] NOT NULL,
  created_at timestamptz NOT NULL,
  disabled_at timestamptz,
  disabled_why text CHECK (disabled_why IN ('person', 'failing', 'gone')),
  previous_secret text,
  previous_until timestamptz,
  failing_since timestamptz,
  removed_at timestamptz,
  PRIMARY KEY (store_id, id)
);

CREATE TABLE webhook_deliveries (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  endpoint_id uuid NOT NULL,
  event_id bigint NOT NULL,
  attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  next_at timestamptz NOT NULL,
  done_at timestamptz,
  delivered boolean NOT NULL DEFAULT false,
  last_at timestamptz,
  last_status integer,
  last_error text,
  last_answer text,
  PRIMARY KEY (store_id, id),
  FOREIGN KEY (store_id, endpoint_id) REFERENCES webhook_endpoints,
  UNIQUE (store_id, endpoint_id, event_id)
);
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (next_at) WHERE done_at IS NULL;
CREATE INDEX webhook_deliveries_in_order ON webhook_deliveries (store_id, endpoint_id, event_id)
  WHERE done_at IS NULL;

-- catalog ----------------------------------------------------------------------------------

CREATE TABLE categories (
  path text PRIMARY KEY CHECK (path ~ '^[a-z0-9-]+(/[a-z0-9-]+)*$'),
  parent text REFERENCES categories,
  name_zh text NOT NULL,
  name_en text NOT NULL,
  position integer NOT NULL DEFAULT 0
);

CREATE TABLE stores (
  id uuid PRIMARY KEY,
  org_id uuid NOT NULL REFERENCES organisations,
  code text NOT NULL UNIQUE CHECK (code ~ '^[a-z0-9][a-z0-9-]{1,39}$'),
  name_zh text NOT NULL,
  name_en text NOT NULL DEFAULT '',
  tagline_zh text NOT NULL DEFAULT '',
  tagline_en text NOT NULL DEFAULT '',
  logo_file text,
  currency char(3) NOT NULL,
  merchant_class text NOT NULL DEFAULT 'standard',
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
  shipping_fee_minor bigint NOT NULL DEFAULT 0 CHECK (shipping_fee_minor >= 0),
  free_shipping_from_minor bigint CHECK (free_shipping_from_minor >= 0),
  created_at timestamptz NOT NULL,
  UNIQUE (id, currency)
);
CREATE INDEX stores_by_org ON stores (org_id);

CREATE TABLE products (
  store_id uuid NOT NULL REFERENCES stores,
  id uuid NOT NULL,
  code text NOT NULL CHECK (length(code) BETWEEN 1 AND 80),
  title_zh text NOT NULL,
  title_en text NOT NULL DEFAULT '',
  description_zh text NOT NULL DEFAULT '',
  description_en text NOT NULL DEFAULT '',
  brand text NOT NULL DEFAULT '',
  category text NOT NULL REFERENCES categories,
  state text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'active', 'archived')),
  commission_bp integer CHECK (commission_bp BETWEEN 0 AND 9000),
  image_links jsonb NOT NULL DEFAULT '[]',
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (store_id, id),
  UNIQUE (store_id, code)
);

CREATE TABLE product_images (
  store_id uuid NOT NULL,
  product_id uuid NOT NULL,
  position smallint NOT NULL CHECK (position BETWEEN 0 AND 20),
  file text NOT NULL,
  width integer NOT NULL CHECK (width > 0),
  height integer NOT NULL CHECK (height > 0),
  PRIMARY KEY (store_id, product_id, position),
  FOREIGN KEY (store_id, product_id) REFERENCES products
);

CREATE TABLE skus (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  product_id uuid NOT NULL,
  code text NOT NULL CHECK (length(code) BETWEEN 1 AND 80),
  options jsonb NOT NULL DEFAULT '{}',
  price_minor bigint NOT NULL CHECK (price_minor BETWEEN 1 AND 100000000000),
  list_price_minor bigint CHECK (list_price_minor > 0),
  gtin text CHECK (gtin ~ '^[0-9]{8,14}$'),
  attributes jsonb NOT NULL DEFAULT '{}',
  weight_g integer NOT NULL DEFAULT 0 CHECK (weight_g >= 0),
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'archived')),
  position smallint NOT NULL DEFAULT 0,
  PRIMARY KEY (store_id, id),
  UNIQUE (store_id, code),
  FOREIGN KEY (store_id, product_id) REFERENCES products
);
CREATE INDEX skus_by_product ON skus (store_id, product_id);

CREATE TABLE coupons (
  store_id uuid NOT NULL REFERENCES stores,
  id uuid NOT NULL,
  code text NOT NULL CHECK (code ~ '^[A-Z0-9-]{3,30}$'),
  name_zh text NOT NULL,
  name_en text NOT NULL DEFAULT '',
  funder text NOT NULL CHECK (funder IN ('merchant', 'platform', 'creator')),
  funder_org_id uuid NOT NULL,
  amount_off_minor bigint CHECK (amount_off_minor > 0),
  percent_off_bp integer CHECK (percent_off_bp BETWEEN 1 AND 9900),
  min_spend_minor bigint NOT NULL DEFAULT 0 CHECK (min_spend_minor >= 0),
  usable tstzrange NOT NULL
    CHECK (NOT isempty(usable) AND lower_inc(usable) AND NOT upper_inc(usable)),
  quota integer NOT NULL CHECK (quota >= 0),
  used integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (store_id, id),
  UNIQUE (store_id, code),
  CHECK (num_nonnulls(amount_off_minor, percent_off_bp) = 1),
  CONSTRAINT coupons_within_quota CHECK (used BETWEEN 0 AND quota)
);

CREATE TABLE coupon_uses (
  store_id uuid NOT NULL,
  coupon_id uuid NOT NULL,
  order_id uuid NOT NULL,
  person_id uuid NOT NULL,
  discount_minor bigint NOT NULL CHECK (discount_minor > 0),
  at timestamptz NOT NULL,
  released_at timestamptz,
  PRIMARY KEY (store_id, coupon_id, order_id),
  FOREIGN KEY (store_id, coupon_id) REFERENCES coupons
);
CREATE UNIQUE INDEX coupon_uses_once ON coupon_uses (store_id, coupon_id, person_id)
  WHERE released_at IS NULL;

CREATE TABLE import_runs (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('feed', 'orders')),
  file_name text NOT NULL,
  state text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
  rows_total integer NOT NULL DEFAULT 0,
  rows_done integer NOT NULL DEFAULT 0,
  rows_bad integer NOT NULL DEFAULT 0,
  report jsonb NOT NULL DEFAULT '[]',
  started_by uuid,
  started_at timestamptz NOT NULL,
  ended_at timestamptz,
  PRIMARY KEY (store_id, id)
);

-- supply -----------------------------------------------------------------------------------

CREATE TABLE stock (
  store_id uuid NOT NULL,
  sku_id uuid NOT NULL,
  on_hand integer NOT NULL,
  reserved integer NOT NULL DEFAULT 0,
  PRIMARY KEY (store_id, sku_id),
  FOREIGN KEY (store_id, sku_id) REFERENCES skus,
  CONSTRAINT stock_never_oversold CHECK (reserved BETWEEN 0 AND on_hand)
);

CREATE TABLE packages (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  order_id uuid NOT NULL,
  carrier text NOT NULL CHECK (length(carrier) BETWEEN 1 AND 60),
  tracking_no text NOT NULL CHECK (length(tracking_no) BETWEEN 4 AND 60),
  shipped_at timestamptz NOT NULL,
  PRIMARY KEY (store_id, id),
  UNIQUE (store_id, carrier, tracking_no, order_id)
);
CREATE INDEX packages_by_order ON packages (store_id, order_id);

CREATE TABLE package_lines (
  store_id uuid NOT NULL,
  package_id uuid NOT NULL,
  line_no smallint NOT NULL,
  quantity integer NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (store_id, package_id, line_no),
  FOREIGN KEY (store_id, package_id) REFERENCES packages
);

-- content ----------------------------------------------------------------------------------

CREATE TABLE uploads (
  creator_id uuid NOT NULL,
  id uuid NOT NULL,
  started_by uuid NOT NULL,
  file_name text NOT NULL,
  bytes_total bigint NOT NULL CHECK (bytes_total > 0),
  bytes_received bigint NOT NULL DEFAULT 0,
  started_at timestamptz NOT NULL,
  finished_at timestamptz,
  PRIMARY KEY (creator_id, id),
  CHECK (bytes_received BETWEEN 0 AND bytes_total)
);

CREATE TABLE videos (
  id uuid PRIMARY KEY,
  creator_id uuid NOT NULL REFERENCES organisations,
  upload_id uuid,
  caption_zh text NOT NULL DEFAULT '',
  caption_en text NOT NULL DEFAULT '',
  state text NOT NULL CHECK (state IN ('processing', 'ready', 'published', 'failed', 'removed')),
  progress_bp integer NOT NULL DEFAULT 0 CHECK (progress_bp BETWEEN 0 AND 10000),
  failure text,
  media text,
  seconds double precision,
  width integer,
  height integer,
  created_at timestamptz NOT NULL,
  published_at timestamptz,
  UNIQUE (id, creator_id),
  UNIQUE (creator_id, upload_id),
  CHECK (state <> 'published' OR (media IS NOT NULL AND published_at IS NOT NULL))
);
CREATE INDEX videos_feed ON videos (published_at DESC, id DESC) WHERE state = 'published';
CREATE INDEX videos_by_creator ON videos (creator_id, created_at DESC);

CREATE TABLE likes (
  video_id uuid NOT NULL REFERENCES videos,
  person_id uuid NOT NULL REFERENCES people,
  at timestamptz NOT NULL,
  PRIMARY KEY (video_id, person_id)
);

CREATE TABLE comments (
  video_id uuid NOT NULL REFERENCES videos,
  id uuid NOT NULL,
  person_id uuid NOT NULL REFERENCES people,
  body text NOT NULL CHECK (length(body) BETWEEN 1 AND 500),
  at timestamptz NOT NULL,
  removed_at timestamptz,
  PRIMARY KEY (video_id, id)
);

CREATE INDEX comments_by_video ON comments (video_id, at DESC, id DESC) WHERE removed_at IS NULL;

CREATE TABLE follows (
  person_id uuid NOT NULL REFERENCES people,
  creator_id uuid NOT NULL REFERENCES organisations,
  at timestamptz NOT NULL,
  PRIMARY KEY (person_id, creator_id)
);
CREATE INDEX follows_by_creator ON follows (creator_id);

CREATE TABLE hidden_videos (
  person_id uuid NOT NULL REFERENCES people,
  video_id uuid NOT NULL REFERENCES videos,
  at timestamptz NOT NULL,
  PRIMARY KEY (person_id, video_id)
);

CREATE TABLE reports (
  id uuid PRIMARY KEY,
  video_id uuid NOT NULL REFERENCES videos,
  person_id uuid NOT NULL REFERENCES people,
  reason text NOT NULL CHECK (reason IN ('spam', 'fake', 'unsafe', 'rights', 'other')),
  note text NOT NULL DEFAULT '' CHECK (length(note) <= 500),
  at timestamptz NOT NULL,
  resolved_at timestamptz,
  resolution text CHECK (resolution IN ('kept', 'removed')),
  resolved_by uuid,
  resolution_reason text NOT NULL DEFAULT '' CHECK (length(resolution_reason) <= 500),
  UNIQUE (video_id, person_id),
  CHECK ((resolved_at IS NULL) = (resolution IS NULL))
);
CREATE INDEX reports_waiting ON reports (at) WHERE resolved_at IS NULL;

CREATE TABLE video_views (
  person_id uuid NOT NULL REFERENCES people,
  video_id uuid NOT NULL REFERENCES videos,
  first_at timestamptz NOT NULL,
  last_at timestamptz NOT NULL,
  watched_ms bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (person_id, video_id)
);
CREATE INDEX video_views_by_video ON video_views (video_id);

-- links ------------------------------------------------------------------------------------

CREATE TABLE product_links (
  id uuid PRIMARY KEY,
  video_id uuid NOT NULL,
  creator_id uuid NOT NULL REFERENCES organisations,
  store_id uuid NOT NULL,
  product_id uuid NOT NULL,
  source text NOT NULL DEFAULT 'own',
  surface text NOT NULL DEFAULT 'video' CHECK (surface IN ('video', 'live', 'profile', 'search')),
  route text NOT NULL DEFAULT 'direct' CHECK (route IN ('direct', 'task')),
  position smallint NOT NULL CHECK (position BETWEEN 0 AND 99),
  published_at timestamptz NOT NULL,
  removed_at timestamptz,
  FOREIGN KEY (store_id, product_id) REFERENCES products,
  FOREIGN KEY (video_id, creator_id) REFERENCES videos (id, creator_id)
);
CREATE UNIQUE INDEX product_links_once ON product_links (video_id, store_id, product_id)
  WHERE removed_at IS NULL;
CREATE INDEX product_links_by_product ON product_links (store_id, product_id);
CREATE INDEX product_links_by_creator ON product_links (creator_id);

CREATE TABLE clicks (
  id uuid PRIMARY KEY,
  link_id uuid NOT NULL REFERENCES product_links,
  person_id uuid,
  at timestamptz NOT NULL
);
CREATE INDEX clicks_by_link ON clicks (link_id, at);

-- policy -----------------------------------------------------------------------------------

CREATE TABLE fee_rules (
  id uuid PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN
    ('platform_service_fee', 'creator_commission', 'commission_cut', 'payment_cost', 'gift_fee')),
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
  rate_bp integer NOT NULL CHECK (rate_bp BETWEEN 0 AND 10000),
  reason_zh text NOT NULL,
  reason_en text NOT NULL,
  citation text NOT NULL DEFAULT '',
  author_id uuid NOT NULL,
  approver_id uuid,
  approved_at timestamptz,
  CONSTRAINT fee_rules_second_person CHECK (approver_id <> author_id),
  CHECK ((approver_id IS NULL) = (approved_at IS NULL)),
  CONSTRAINT fee_rules_no_overlap EXCLUDE USING gist (
    kind WITH =, source WITH =, surface WITH =, category WITH =, route WITH =,
    party_class WITH =, party WITH =, merchant_class WITH =, in_force WITH &&
  ) WHERE (approver_id IS NOT NULL)
);

CREATE TABLE term_rules (
  id uuid PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('pay_within_s', 'ship_within_s', 'receive_within_s', 'after_sales_window_s',
    'evidence_kept_s', 'explained_grace_s', 'case_answer_s', 'case_offer_s', 'case_escalate_s',
    'case_ship_back_s', 'case_receive_back_s', 'case_inspect_s', 'case_resend_s', 'case_confirm_s',
    'case_rule_s', 'case_appeal_s', 'case_late_s', 'price_protected_s')),
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
  seconds bigint NOT NULL CHECK (seconds BETWEEN 0 AND 315360000),
  reason_zh text NOT NULL,
  reason_en text NOT NULL,
  citation text NOT NULL DEFAULT '',
  author_id uuid NOT NULL,
  approver_id uuid,
  approved_at timestamptz,
  CONSTRAINT term_rules_second_person CHECK (approver_id <> author_id),
  CHECK ((approver_id IS NULL) = (approved_at IS NULL)),
  CONSTRAINT term_rules_no_overlap EXCLUDE USING gist (
    kind WITH =, source WITH =, surface WITH =, category WITH =, route WITH =,
    party_class WITH =, party WITH =, merchant_class WITH =, in_force WITH &&
  ) WHERE (approver_id IS NOT NULL)
);

-- A rule row says for ever what it said: it can be approved once, and it can end earlier than
-- planned, at an instant still to come. Everything else is a new row.
CREATE FUNCTION keep_rule() RETURNS trigger LANGUAGE plpgsql AS
$$ DECLARE
  may text[] := ARRAY['approver_id', 'approved_at', 'in_force'];
  business_now timestamptz := now()
    + make_interval(secs => (SELECT offset_s FROM business_clock));
BEGIN
  IF to_jsonb(OLD) - may IS DISTINCT FROM to_jsonb(NEW) - may
    OR lower(NEW.in_force) IS DISTINCT FROM lower(OLD.in_force)
    OR (OLD.approver_id IS NOT NULL AND (OLD.approver_id, OLD.approved_at)
      IS DISTINCT FROM (NEW.approver_id, NEW.approved_at))
    OR (upper(NEW.in_force) IS DISTINCT FROM upper(OLD.in_force)
      AND (upper(NEW.in_force) IS NULL OR upper(NEW.in_force) > upper(OLD.in_force)
        OR upper(NEW.in_force) < business_now))
  THEN RAISE EXCEPTION 'rules are kept: % on % is refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'integrity_constraint_violation'; END IF;
  RETURN NEW; END $$;
CREATE TRIGGER keep_rule BEFORE UPDATE ON fee_rules FOR EACH ROW EXECUTE FUNCTION keep_rule();
CREATE TRIGGER keep_rule BEFORE UPDATE ON term_rules FOR EACH ROW EXECUTE FUNCTION keep_rule();

-- orders -----------------------------------------------------------------------------------

CREATE TABLE cart_items (
  person_id uuid NOT NULL REFERENCES people,
  store_id uuid NOT NULL,
  sku_id uuid NOT NULL,
  quantity integer NOT NULL CHECK (quantity BETWEEN 1 AND 999),
  link_id uuid,
  added_at timestamptz NOT NULL,
  PRIMARY KEY (person_id, store_id, sku_id),
  FOREIGN KEY (store_id, sku_id) REFERENCES skus
);

CREATE TABLE orders (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  number text NOT NULL,
  checkout_id uuid NOT NULL,
  buyer_id uuid,
  idempotency_key text NOT NULL,
  request_hash bytea NOT NULL,
  origin text NOT NULL DEFAULT 'live',
  state text NOT NULL CHECK (state IN ('placed', 'paid', 'part_shipped', 'shipped', 'received',
    'final', 'cancelled', 'refunded')),
  currency char(3) NOT NULL,
  goods_minor bigint NOT NULL CHECK (goods_minor >= 0),
  discount_minor bigint NOT NULL CHECK (discount_minor >= 0),
  shipping_minor bigint NOT NULL CHECK (shipping_minor >= 0),
  total_minor bigint NOT NULL,
  address jsonb NOT NULL,
  coupon_id uuid,
  receive_within_s bigint NOT NULL,
  receive_rule_id uuid,
  after_sales_window_s bigint NOT NULL,
  after_sales_rule_id uuid,
  placed_at timestamptz NOT NULL,
  pay_by timestamptz NOT NULL,
  paid_at timestamptz,
  shipped_at timestamptz,
  received_at timestamptz,
  final_at timestamptz,
  closed_at timestamptz,
  close_reason text,
  PRIMARY KEY (store_id, id),
  UNIQUE (store_id, number),
  CONSTRAINT orders_without_buyer CHECK (buyer_id IS NOT NULL OR idempotency_key = number),
  CONSTRAINT orders_total CHECK (total_minor = goods_minor - discount_minor + shipping_minor
    AND total_minor >= 0)
);
-- Of a history no buyer is known: its orders have their number as key, which is unique.
CREATE UNIQUE INDEX orders_once ON orders (store_id, idempotency_key, buyer_id)
  WHERE buyer_id IS NOT NULL;
CREATE INDEX orders_by_buyer ON orders (buyer_id, placed_at DESC) WHERE buyer_id IS NOT NULL;
CREATE INDEX orders_by_store ON orders (store_id, placed_at DESC, id DESC);
CREATE INDEX orders_by_state ON orders (store_id, state, placed_at DESC, id DESC);
CREATE INDEX orders_by_payment ON orders (store_id, paid_at DESC, id DESC) INCLUDE (buyer_id)
  WHERE paid_at IS NOT NULL;
CREATE INDEX orders_by_checkout ON orders (checkout_id) WHERE buyer_id IS NOT NULL;

CREATE TABLE order_lines (
  store_id uuid NOT NULL,
  order_id uuid NOT NULL,
  line_no smallint NOT NULL,
  kind text NOT NULL CHECK (kind IN ('goods', 'shipping')),
  product_id uuid,
  sku_id uuid,
  title_zh text NOT NULL,
  title_en text NOT NULL DEFAULT '',
  options jsonb NOT NULL DEFAULT '{}',
  image_file text,
  category text NOT NULL,
  quantity integer NOT NULL CHECK (quantity > 0),
  unit_price_minor bigint NOT NULL CHECK (unit_price_minor >= 0),
  gross_minor bigint NOT NULL,
  merchant_discount_minor bigint NOT NULL DEFAULT 0 CHECK (merchant_discount_minor >= 0),
  platform_discount_minor bigint NOT NULL DEFAULT 0 CHECK (platform_discount_minor >= 0),
  creator_discount_minor bigint NOT NULL DEFAULT 0 CHECK (creator_discount_minor >= 0),
  discount_creator_id uuid,
  paid_minor bigint NOT NULL CHECK (paid_minor > 0),
  refunded_minor bigint NOT NULL DEFAULT 0,
  shipped_quantity integer NOT NULL DEFAULT 0,
  returned_quantity integer NOT NULL DEFAULT 0,
  link_id uuid,
  creator_id uuid,
  service_fee_bp integer NOT NULL CHECK (service_fee_bp BETWEEN 0 AND 10000),
  service_fee_rule_id uuid,
  commission_bp integer NOT NULL CHECK (commission_bp BETWEEN 0 AND 10000),
  commission_rule_id uuid,
  commission_cut_bp integer NOT NULL CHECK (commission_cut_bp BETWEEN 0 AND 10000),
  commission_cut_rule_id uuid,
  payment_cost_bp integer NOT NULL CHECK (payment_cost_bp BETWEEN 0 AND 10000),
  payment_cost_rule_id uuid,
  PRIMARY KEY (store_id, order_id, line_no),
  CONSTRAINT order_lines_gross CHECK (gross_minor = unit_price_minor * quantity),
  CONSTRAINT order_lines_paid CHECK (paid_minor = gross_minor - merchant_discount_minor
    - platform_discount_minor - creator_discount_minor),
  CONSTRAINT order_lines_refunded CHECK (refunded_minor BETWEEN 0 AND paid_minor),
  CONSTRAINT order_lines_shipped CHECK (shipped_quantity >= 0 AND returned_quantity >= 0
    AND shipped_quantity + returned_quantity <= quantity)
);
CREATE INDEX order_lines_by_creator ON order_lines (creator_id, order_id)
  WHERE creator_id IS NOT NULL;

-- What paid orders came to, by local day of payment. Counted when the capture is sealed: a figure is
-- these rows plus the orders whose capture waits for its seal.
CREATE TABLE sold_days (
  store_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('store', 'product', 'creator', 'link')),
  day date NOT NULL,
  subject_id uuid NOT NULL,
  currency char(3) NOT NULL,
  orders integer NOT NULL CHECK (orders > 0),
  units bigint NOT NULL,
  paid_minor bigint NOT NULL,
  earned_minor bigint NOT NULL,
  PRIMARY KEY (store_id, kind, day, subject_id)
);
CREATE INDEX sold_days_by_subject ON sold_days (subject_id, day);

-- payments ---------------------------------------------------------------------------------

CREATE TABLE payments (
  id uuid PRIMARY KEY,
  checkout_id uuid NOT NULL,
  payer_id uuid,
  gateway text NOT NULL,
  gateway_ref text,
  currency char(3) NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  state text NOT NULL CHECK (state IN ('started', 'captured', 'declined', 'abandoned')),
  pay_url text,
  started_at timestamptz NOT NULL,
  captured_at timestamptz,
  UNIQUE (gateway, gateway_ref)
);
CREATE INDEX payments_by_checkout ON payments (checkout_id) WHERE payer_id IS NOT NULL;

CREATE TABLE payment_parts (
  store_id uuid NOT NULL,
  order_id uuid NOT NULL,
  payment_id uuid NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  booked_at timestamptz,
  outcome text CHECK (outcome IN ('allocated', 'unallocated')),
  PRIMARY KEY (store_id, order_id, payment_id)
);
CREATE INDEX payment_parts_by_payment ON payment_parts (payment_id);

CREATE TABLE unallocated_money (
  id uuid PRIMARY KEY,
  gateway text NOT NULL,
  gateway_ref text NOT NULL,
  payment_id uuid,
  order_id uuid,
  currency char(3) NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  reason text NOT NULL CHECK (reason IN
    ('unknown_payment', 'order_closed', 'wrong_amount', 'wrong_currency', 'paid_twice')),
  arrived_at timestamptz NOT NULL,
  resolved_at timestamptz,
  resolved_by uuid,
  resolution text CHECK (resolution IN ('sent_back', 'kept_for_claim', 'matched')),
  note text NOT NULL DEFAULT '',
  CONSTRAINT unallocated_money_once
    UNIQUE NULLS NOT DISTINCT (gateway, gateway_ref, order_id, currency, amount_minor)
);

-- Refunds that somebody made at a gateway by hand. `gateway_ref`: the refund's name there.
CREATE TABLE foreign_refunds (
  id uuid PRIMARY KEY,
  payment_id uuid NOT NULL,
  gateway_ref text NOT NULL,
  currency char(3) NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  told_at timestamptz NOT NULL,
  failed_at timestamptz,
  settled_at timestamptz,
  settled_by uuid,
  store_id uuid,
  refund_id uuid,
  note text NOT NULL DEFAULT '',
  CONSTRAINT foreign_refunds_once UNIQUE (payment_id, gateway_ref),
  CONSTRAINT foreign_refunds_booked CHECK ((store_id IS NULL) = (refund_id IS NULL)),
  CONSTRAINT foreign_refunds_settled CHECK ((settled_at IS NULL) = (settled_by IS NULL)
    AND (settled_at IS NULL OR refund_id IS NOT NULL OR note <> '')
    AND (settled_at IS NOT NULL OR refund_id IS NULL))
);
CREATE INDEX foreign_refunds_open ON foreign_refunds (told_at DESC, id DESC)
  WHERE settled_at IS NULL AND failed_at IS NULL;
CREATE INDEX foreign_refunds_by_time ON foreign_refunds (told_at DESC, id DESC);

CREATE TABLE refunds (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  order_id uuid NOT NULL,
  payment_id uuid NOT NULL,
  currency char(3) NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  state text NOT NULL CHECK (state IN ('booked', 'sent', 'done', 'failed')),
  attempt smallint NOT NULL DEFAULT 1 CHECK (attempt BETWEEN 1 AND 9),
  reason text NOT NULL DEFAULT '',
  asked_by uuid,
  asked_at timestamptz NOT NULL,
  idempotency_key text NOT NULL,
  request_hash bytea NOT NULL,
  gateway_ref text,
  failure text,
  failed_at timestamptz,
  done_at timestamptz,
  PRIMARY KEY (store_id, id),
  UNIQUE (store_id, idempotency_key)
);
CREATE INDEX refunds_by_order ON refunds (store_id, order_id);
CREATE INDEX refunds_by_id ON refunds (id);
CREATE INDEX refunds_by_store ON refunds (store_id, asked_at DESC, id DESC);
CREATE INDEX refunds_failed ON refunds (failed_at) WHERE state = 'failed';

CREATE TABLE refund_lines (
  store_id uuid NOT NULL,
  refund_id uuid NOT NULL,
  line_no smallint NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  quantity integer NOT NULL DEFAULT 0 CHECK (quantity >= 0),
  PRIMARY KEY (store_id, refund_id, line_no)
);

CREATE TABLE sandbox_charges (
  id uuid PRIMARY KEY,
  reference text NOT NULL UNIQUE,
  currency char(3) NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  paid_minor bigint CHECK (paid_minor BETWEEN 1 AND amount_minor),
  state text NOT NULL CHECK (state IN ('open', 'verifying', 'paid', 'declined', 'silent')),
  answer_at timestamptz,
  return_url text NOT NULL,
  created_at timestamptz NOT NULL,
  CHECK ((state = 'paid') = (paid_minor IS NOT NULL))
);
CREATE INDEX sandbox_charges_late ON sandbox_charges (answer_at) WHERE answer_at IS NOT NULL;

-- ledger -----------------------------------------------------------------------------------

CREATE TABLE ledger_accounts (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  owner_id uuid NOT NULL,
  purpose text NOT NULL,
  currency char(3) NOT NULL,
  PRIMARY KEY (store_id, id),
  UNIQUE (store_id, owner_id, purpose, currency),
  UNIQUE (store_id, id, currency)
);
CREATE INDEX ledger_accounts_by_owner ON ledger_accounts (owner_id);

CREATE TABLE ledger_entries (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  kind text NOT NULL,
  key text NOT NULL,
  order_id uuid,
  reverses uuid,
  counts_at timestamptz NOT NULL,
  written_at timestamptz NOT NULL,
  PRIMARY KEY (store_id, id),
  CONSTRAINT ledger_entries_once UNIQUE (store_id, key)
);
CREATE UNIQUE INDEX ledger_entries_one_reversal ON ledger_entries (store_id, reverses)
  WHERE reverses IS NOT NULL;
CREATE INDEX ledger_entries_by_order ON ledger_entries (store_id, order_id);
CREATE INDEX ledger_entries_by_time ON ledger_entries (store_id, counts_at);

CREATE TABLE ledger_transfers (
  store_id uuid NOT NULL,
  entry_id uuid NOT NULL,
  n smallint NOT NULL,
  src uuid NOT NULL,
  dst uuid NOT NULL,
  currency char(3) NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  part text NOT NULL,
  line_no smallint,
  PRIMARY KEY (store_id, entry_id, n),
  CONSTRAINT ledger_transfers_two_accounts CHECK (src <> dst)
);
-- An account's id says whose it is, its store too (ledger/rules.py): these need no store.
CREATE INDEX ledger_transfers_by_src ON ledger_transfers (src, entry_id, n);
CREATE INDEX ledger_transfers_by_dst ON ledger_transfers (dst, entry_id, n);

-- What the next seal takes. Membership, not time: an entry may commit after later ones are sealed.
CREATE TABLE ledger_unsealed (
  store_id uuid NOT NULL,
  entry_id uuid NOT NULL,
  PRIMARY KEY (store_id, entry_id)
);

-- What waits of a history, many entries in one row: all of the book whose ids are within.
CREATE TABLE ledger_unsealed_ranges (
  store_id uuid NOT NULL,
  first_id uuid NOT NULL,
  last_id uuid NOT NULL,
  PRIMARY KEY (store_id, first_id),
  CONSTRAINT ledger_unsealed_ranges_order CHECK (first_id <= last_id),
  FOREIGN KEY (store_id, first_id) REFERENCES ledger_entries,
  FOREIGN KEY (store_id, last_id) REFERENCES ledger_entries
);

-- A function, so that no plan counts on there being ranges: hardly ever is there one.
CREATE FUNCTION ledger_entries_between(book uuid, first_id uuid, last_id uuid)
  RETURNS SETOF uuid LANGUAGE plpgsql STABLE ROWS 1 AS
$$ BEGIN RETURN QUERY SELECT e.id FROM public.ledger_entries e
   WHERE e.store_id = book AND e.id BETWEEN first_id AND last_id; END $$;

CREATE VIEW ledger_waiting AS
  SELECT store_id, entry_id FROM ledger_unsealed
  UNION ALL
  SELECT r.store_id, e.id FROM ledger_unsealed_ranges r
  CROSS JOIN LATERAL ledger_entries_between(r.store_id, r.first_id, r.last_id) AS e (id);

CREATE TABLE ledger_seals (
  store_id uuid NOT NULL,
  number bigint NOT NULL CHECK (number > 0),
  sealed_at timestamptz NOT NULL,
  entries integer NOT NULL CHECK (entries > 0),
  hash bytea NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (store_id, number)
);

CREATE TABLE ledger_sealed_entries (
  store_id uuid NOT NULL,
  entry_id uuid NOT NULL,
  seal_number bigint NOT NULL,
  PRIMARY KEY (store_id, entry_id),
  FOREIGN KEY (store_id, entry_id) REFERENCES ledger_entries,
  FOREIGN KEY (store_id, seal_number) REFERENCES ledger_seals
);
CREATE INDEX ledger_sealed_by_seal ON ledger_sealed_entries (store_id, seal_number);

CREATE TABLE ledger_rollups (
  store_id uuid NOT NULL,
  account_id uuid NOT NULL,
  seal_number bigint NOT NULL,
  balance_minor bigint NOT NULL,
  PRIMARY KEY (store_id, account_id, seal_number),
  FOREIGN KEY (store_id, seal_number) REFERENCES ledger_seals
);

-- What each account gained and lost by local day: sealed entries only, like the rollups.
CREATE TABLE ledger_days (
  store_id uuid NOT NULL,
  account_id uuid NOT NULL,
  day date NOT NULL,
  part text NOT NULL,
  gained_minor bigint NOT NULL,
  lost_minor bigint NOT NULL,
  PRIMARY KEY (store_id, account_id, day, part),
  FOREIGN KEY (store_id, account_id) REFERENCES ledger_accounts
);

-- references, once per statement ---------------------------------------------------------------

-- As strict as a foreign key where what is referred to stays, with the key that it has (the keep
-- triggers at the end): see docs/adr/0007-references-by-statement.md. A trigger is named as the
-- constraint that it reports.
--
-- A look-up is written as a range of one key, in its order: without sorts and without scans of the
-- whole only that key's index can answer, whatever the planner thought of a table that was small
-- when a session first came here.
--
-- Of more than a thousand rows, which are of one book and in the order of what they refer to, the
-- list of that is looked up in one pass over the key's index: each is there once, so as many as
-- were asked for are found. Whatever that does not confirm is looked up row by row.
CREATE FUNCTION refuse_reference(rule text, referring text) RETURNS void LANGUAGE plpgsql AS
$$ BEGIN RAISE foreign_key_violation USING CONSTRAINT = rule, TABLE = referring,
   MESSAGE = format('insert into %s violates %s: what it refers to is not there', referring, rule);
END $$;

CREATE FUNCTION ledger_entries_found(book uuid, ids uuid[]) RETURNS bigint LANGUAGE plpgsql STABLE
  SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
  SET enable_sort = off SET enable_incremental_sort = off AS
$$ BEGIN RETURN (SELECT count(*) FROM (
    SELECT FROM public.ledger_entries r
    WHERE (r.store_id, r.id) BETWEEN (book, ids[1]) AND (book, ids[cardinality(ids)])
      AND r.store_id = book AND r.id = ANY (ids)
    ORDER BY r.store_id, r.id OFFSET 0) AS found);
END $$;

CREATE FUNCTION refers_to_entry() RETURNS trigger LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_sort = off SET enable_incremental_sort = off AS
$$ DECLARE book uuid; ids uuid[];
BEGIN
  IF EXISTS (SELECT FROM added OFFSET 1000) THEN
    book := (SELECT a.store_id FROM added a LIMIT 1);
    ids := ARRAY(SELECT a.entry_id FROM (
      SELECT entry_id, lag(entry_id) OVER () AS before FROM added) a
      WHERE a.entry_id IS DISTINCT FROM a.before);
    IF NOT EXISTS (SELECT FROM added a WHERE a.store_id <> book)
      AND cardinality(ids) = public.ledger_entries_found(book, ids)
    THEN RETURN NULL; END IF;
  END IF;
  IF EXISTS (SELECT FROM added a
    WHERE (SELECT true FROM public.ledger_entries r
      WHERE (r.store_id, r.id) BETWEEN (a.store_id, a.entry_id) AND (a.store_id, a.entry_id)
      ORDER BY r.store_id, r.id LIMIT 1) IS NULL)
  THEN PERFORM public.refuse_reference(TG_NAME, TG_TABLE_NAME); END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION refers_to_reversed() RETURNS trigger LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_sort = off SET enable_incremental_sort = off AS
$$ BEGIN
  IF EXISTS (SELECT FROM added a
    WHERE a.reverses IS NOT NULL AND (SELECT true FROM public.ledger_entries r
      WHERE (r.store_id, r.id) BETWEEN (a.store_id, a.reverses) AND (a.store_id, a.reverses)
      ORDER BY r.store_id, r.id LIMIT 1) IS NULL)
  THEN PERFORM public.refuse_reference(TG_NAME, TG_TABLE_NAME); END IF;
  RETURN NULL;
END $$;

-- Thousands of transfers move between a handful of accounts.
CREATE FUNCTION refers_to_src() RETURNS trigger LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_sort = off SET enable_incremental_sort = off AS
$$ BEGIN
  IF EXISTS (SELECT FROM (SELECT DISTINCT store_id, src, currency FROM added) a
    WHERE (SELECT true FROM public.ledger_accounts r
      WHERE (r.store_id, r.id, r.currency) BETWEEN (a.store_id, a.src, a.currency) AND (a.store_id, a.src, a.currency)
      ORDER BY r.store_id, r.id, r.currency LIMIT 1) IS NULL)
  THEN PERFORM public.refuse_reference(TG_NAME, TG_TABLE_NAME); END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION refers_to_dst() RETURNS trigger LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_sort = off SET enable_incremental_sort = off AS
$$ BEGIN
  IF EXISTS (SELECT FROM (SELECT DISTINCT store_id, dst, currency FROM added) a
    WHERE (SELECT true FROM public.ledger_accounts r
      WHERE (r.store_id, r.id, r.currency) BETWEEN (a.store_id, a.dst, a.currency) AND (a.store_id, a.dst, a.currency)
      ORDER BY r.store_id, r.id, r.currency LIMIT 1) IS NULL)
  THEN PERFORM public.refuse_reference(TG_NAME, TG_TABLE_NAME); END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION orders_found(book uuid, ids uuid[]) RETURNS bigint LANGUAGE plpgsql STABLE
  SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
  SET enable_sort = off SET enable_incremental_sort = off AS
$$ BEGIN RETURN (SELECT count(*) FROM (
    SELECT FROM public.orders r
    WHERE (r.store_id, r.id) BETWEEN (book, ids[1]) AND (book, ids[cardinality(ids)])
      AND r.store_id = book AND r.id = ANY (ids)
    ORDER BY r.store_id, r.id OFFSET 0) AS found);
END $$;

CREATE FUNCTION refers_to_order() RETURNS trigger LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_sort = off SET enable_incremental_sort = off AS
$$ DECLARE book uuid; ids uuid[];
BEGIN
  IF EXISTS (SELECT FROM added OFFSET 1000) THEN
    book := (SELECT a.store_id FROM added a LIMIT 1);
    ids := ARRAY(SELECT a.order_id FROM (
      SELECT order_id, lag(order_id) OVER () AS before FROM added) a
      WHERE a.order_id IS DISTINCT FROM a.before);
    IF NOT EXISTS (SELECT FROM added a WHERE a.store_id <> book)
      AND cardinality(ids) = public.orders_found(book, ids)
    THEN RETURN NULL; END IF;
  END IF;
  IF EXISTS (SELECT FROM added a
    WHERE (SELECT true FROM public.orders r
      WHERE (r.store_id, r.id) BETWEEN (a.store_id, a.order_id) AND (a.store_id, a.order_id)
      ORDER BY r.store_id, r.id LIMIT 1) IS NULL)
  THEN PERFORM public.refuse_reference(TG_NAME, TG_TABLE_NAME); END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION refers_to_refund() RETURNS trigger LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_sort = off SET enable_incremental_sort = off AS
$$ BEGIN
  IF EXISTS (SELECT FROM added a
    WHERE (SELECT true FROM public.refunds r
      WHERE (r.store_id, r.id) BETWEEN (a.store_id, a.refund_id) AND (a.store_id, a.refund_id)
      ORDER BY r.store_id, r.id LIMIT 1) IS NULL)
  THEN PERFORM public.refuse_reference(TG_NAME, TG_TABLE_NAME); END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION refers_to_store() RETURNS trigger LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_sort = off SET enable_incremental_sort = off AS
$$ BEGIN
  IF EXISTS (SELECT FROM (SELECT DISTINCT store_id, currency FROM added) a
    WHERE (SELECT true FROM public.stores r
      WHERE (r.id, r.currency) BETWEEN (a.store_id, a.currency) AND (a.store_id, a.currency)
      ORDER BY r.id, r.currency LIMIT 1) IS NULL)
  THEN PERFORM public.refuse_reference(TG_NAME, TG_TABLE_NAME); END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER orders_store AFTER INSERT ON orders REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION refers_to_store();
CREATE TRIGGER order_lines_order AFTER INSERT ON order_lines REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION refers_to_order();
CREATE TRIGGER refunds_order AFTER INSERT ON refunds REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION refers_to_order();
CREATE TRIGGER refund_lines_refund AFTER INSERT ON refund_lines REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION refers_to_refund();
CREATE TRIGGER ledger_entries_reverses AFTER INSERT ON ledger_entries
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refers_to_reversed();
CREATE TRIGGER ledger_transfers_entry AFTER INSERT ON ledger_transfers
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refers_to_entry();
CREATE TRIGGER ledger_transfers_src AFTER INSERT ON ledger_transfers
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refers_to_src();
CREATE TRIGGER ledger_transfers_dst AFTER INSERT ON ledger_transfers
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refers_to_dst();
CREATE TRIGGER ledger_unsealed_entry AFTER INSERT ON ledger_unsealed
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refers_to_entry();

-- what the app may do ------------------------------------------------------------------------

DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dougong_app') THEN
    CREATE ROLE dougong_app NOLOGIN; END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dougong_readonly') THEN
    CREATE ROLE dougong_readonly NOLOGIN; END IF;
  IF NOT pg_has_role(current_user, 'dougong_app', 'MEMBER') AND current_setting('is_superuser') = 'off'
    AND NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dougong_app' AND rolcanlogin) THEN
    EXECUTE format('GRANT dougong_app TO %I', current_user); END IF;
END $$;
GRANT USAGE ON SCHEMA public TO dougong_app, dougong_readonly;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO dougong_app, dougong_readonly;
GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO dougong_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO dougong_app;
-- What later migrations make is theirs too; they take back what is more than a table's promise.
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO dougong_app, dougong_readonly;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT INSERT, UPDATE, DELETE ON TABLES TO dougong_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO dougong_app;

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['ledger_accounts', 'ledger_entries', 'ledger_transfers', 'ledger_seals',
    'ledger_sealed_entries', 'ledger_rollups', 'audit_log', 'refund_lines', 'package_lines'] LOOP
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %I FROM dougong_app', t);
    EXECUTE format('CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON %I
      FOR EACH ROW EXECUTE FUNCTION refuse_change()', t);
    EXECUTE format('CREATE TRIGGER keep_all BEFORE TRUNCATE ON %I
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['orders', 'order_lines', 'refunds', 'payments', 'fee_rules', 'term_rules',
    'people', 'organisations', 'stores', 'events', 'inbox', 'unallocated_money',
    'foreign_refunds'] LOOP
    EXECUTE format('REVOKE DELETE, TRUNCATE ON %I FROM dougong_app', t);
  END LOOP;
  REVOKE UPDATE ON ledger_unsealed, ledger_unsealed_ranges FROM dougong_app;
  REVOKE INSERT, UPDATE, DELETE ON ledger_waiting FROM dougong_app;
  FOREACH t IN ARRAY ARRAY['stores', 'orders', 'refunds'] LOOP
    EXECUTE format('CREATE TRIGGER keep_rows AFTER DELETE ON %I
      FOR EACH ROW EXECUTE FUNCTION refuse_change()', t);
    EXECUTE format('CREATE TRIGGER keep_all BEFORE TRUNCATE ON %I
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', t);
  END LOOP;
END $$;
-- AFTER, and by column: an UPDATE of anything else neither fires them nor locks a row for them.
CREATE TRIGGER keep_key AFTER UPDATE OF id, currency ON stores
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER keep_key AFTER UPDATE OF store_id, id, currency ON orders
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER keep_key AFTER UPDATE OF store_id, order_id ON order_lines
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER keep_key AFTER UPDATE OF store_id, id, order_id ON refunds
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER keep_key AFTER UPDATE OF store_id, entry_id ON ledger_unsealed
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
