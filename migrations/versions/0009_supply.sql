-- warehouses ---------------------------------------------------------------------------------------

CREATE TABLE warehouses (
  store_id uuid NOT NULL REFERENCES stores,
  id uuid NOT NULL,
  code text NOT NULL CHECK (code ~ '^[A-Z0-9][A-Z0-9-]{0,23}$'),
  name_zh text NOT NULL CHECK (length(name_zh) BETWEEN 1 AND 60),
  name_en text NOT NULL DEFAULT '' CHECK (length(name_en) <= 60),
  province text NOT NULL DEFAULT '' CHECK (length(province) <= 40),
  city text NOT NULL DEFAULT '' CHECK (length(city) <= 40),
  line text NOT NULL DEFAULT '' CHECK (length(line) <= 200),
  phone text NOT NULL DEFAULT '' CHECK (length(phone) <= 30),
  is_default boolean NOT NULL DEFAULT false,
  ships boolean NOT NULL DEFAULT true,
  unit_cost_minor bigint NOT NULL DEFAULT 0 CHECK (unit_cost_minor >= 0),
  made_at timestamptz NOT NULL,
  closed_at timestamptz,
  PRIMARY KEY (store_id, id),
  UNIQUE (store_id, code),
  CONSTRAINT warehouses_default_open CHECK (NOT is_default OR closed_at IS NULL)
);
CREATE UNIQUE INDEX warehouses_one_default ON warehouses (store_id) WHERE is_default;

-- stock by warehouse -------------------------------------------------------------------------------

-- `on_hand`: sellable units that lie there, those allocated to orders among them, until they are
-- shipped. `stock` is the sum over a store's warehouses, with what is promised.
CREATE TABLE stock_levels (
  store_id uuid NOT NULL,
  sku_id uuid NOT NULL,
  warehouse_id uuid NOT NULL,
  on_hand integer NOT NULL DEFAULT 0,
  allocated integer NOT NULL DEFAULT 0,
  damaged integer NOT NULL DEFAULT 0 CHECK (damaged >= 0),
  inspecting integer NOT NULL DEFAULT 0 CHECK (inspecting >= 0),
  transit integer NOT NULL DEFAULT 0 CHECK (transit >= 0),
  PRIMARY KEY (store_id, sku_id, warehouse_id),
  FOREIGN KEY (store_id, warehouse_id) REFERENCES warehouses,
  FOREIGN KEY (store_id, sku_id) REFERENCES skus,
  CONSTRAINT stock_levels_never_below CHECK (allocated BETWEEN 0 AND on_hand)
);
-- With the SKU too: a plan made for another size of the table may look a row up by either index.
CREATE INDEX stock_levels_by_warehouse ON stock_levels (store_id, warehouse_id, sku_id);

-- Units go from one place to another, as money does from one account to another. A place is outside
-- (supplier, buyer, lost_found, scrap), in a warehouse (free, allocated, damaged, inspecting, transit),
-- or a promise of the store as a whole: `promised` are units that orders wait for, `pool` its other
-- side. `value_minor`: what the units that came or went cost by moving average, NULL where unknown.
CREATE TABLE stock_moves (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  sku_id uuid NOT NULL,
  quantity integer NOT NULL CHECK (quantity > 0),
  kind text NOT NULL CHECK (kind IN ('received', 'reserved', 'released', 'allocated', 'unallocated',
    'picked', 'shipped', 'returned', 'damaged', 'repaired', 'scrapped', 'counted', 'transferred',
    'set')),
  src text NOT NULL,
  src_warehouse uuid,
  dst text NOT NULL,
  dst_warehouse uuid,
  batch_id uuid,
  unit_cost_minor bigint CHECK (unit_cost_minor >= 0),
  value_minor bigint,
  about_kind text NOT NULL DEFAULT '',
  about_id uuid,
  at timestamptz NOT NULL,
  by_id uuid,
  key text NOT NULL CHECK (length(key) BETWEEN 1 AND 400),
  PRIMARY KEY (store_id, id),
  UNIQUE (store_id, key),
  CONSTRAINT stock_moves_places CHECK (src IN ('supplier', 'buyer', 'lost_found', 'scrap', 'promised',
    'pool', 'free', 'allocated', 'damaged', 'inspecting', 'transit') AND dst IN ('supplier', 'buyer',
    'lost_found', 'scrap', 'promised', 'pool', 'free', 'allocated', 'damaged', 'inspecting', 'transit')),
  CONSTRAINT stock_moves_somewhere CHECK ((src, COALESCE(src_warehouse, store_id))
    <> (dst, COALESCE(dst_warehouse, store_id))),
  CONSTRAINT stock_moves_src CHECK ((src_warehouse IS NOT NULL)
    = (src IN ('free', 'allocated', 'damaged', 'inspecting', 'transit'))),
  CONSTRAINT stock_moves_dst CHECK ((dst_warehouse IS NOT NULL)
    = (dst IN ('free', 'allocated', 'damaged', 'inspecting', 'transit'))),
  CONSTRAINT stock_moves_promises CHECK ((src IN ('promised', 'pool')) = (dst IN ('promised', 'pool')))
);
CREATE INDEX stock_moves_by_sku ON stock_moves (store_id, sku_id, at DESC, id DESC);
CREATE INDEX stock_moves_by_time ON stock_moves (store_id, at, id);
CREATE INDEX stock_moves_by_about ON stock_moves (store_id, about_id) WHERE about_id IS NOT NULL;

-- Where an order's line ships from, and why there. What is neither shipped nor released is open.
CREATE TABLE stock_allocations (
  store_id uuid NOT NULL,
  order_id uuid NOT NULL,
  line_no smallint NOT NULL,
  warehouse_id uuid NOT NULL,
  sku_id uuid NOT NULL,
  quantity integer NOT NULL CHECK (quantity > 0),
  shipped integer NOT NULL DEFAULT 0 CHECK (shipped >= 0),
  released integer NOT NULL DEFAULT 0 CHECK (released >= 0),
  state text NOT NULL DEFAULT 'open',
  reasons jsonb NOT NULL DEFAULT '{}',
  at timestamptz NOT NULL,
  PRIMARY KEY (store_id, order_id, line_no, warehouse_id),
  FOREIGN KEY (store_id, warehouse_id) REFERENCES warehouses,
  CONSTRAINT stock_allocations_within CHECK (shipped + released <= quantity),
  CONSTRAINT stock_allocations_state CHECK (state = CASE WHEN shipped + released < quantity
    THEN CASE state WHEN 'picked' THEN 'picked' ELSE 'open' END
    WHEN shipped > 0 THEN 'shipped' ELSE 'released' END)
);
CREATE INDEX stock_allocations_waiting ON stock_allocations (store_id, warehouse_id, at, order_id)
  WHERE state IN ('open', 'picked');
CREATE INDEX stock_allocations_of_sku ON stock_allocations (store_id, sku_id)
  WHERE state IN ('open', 'picked');

-- The order in which a store's warehouses are asked, by date.
CREATE TABLE allocation_policies (
  store_id uuid NOT NULL REFERENCES stores,
  id uuid NOT NULL,
  in_force tstzrange NOT NULL
    CHECK (NOT isempty(in_force) AND lower_inc(in_force) AND NOT upper_inc(in_force)),
  criteria text[] NOT NULL CHECK (cardinality(criteria) BETWEEN 1 AND 4
    AND criteria <@ ARRAY['whole', 'distance', 'stock', 'cost']),
  most_parcels smallint NOT NULL CHECK (most_parcels BETWEEN 1 AND 20),
  reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 200),
  made_by uuid NOT NULL REFERENCES people,
  made_at timestamptz NOT NULL,
  PRIMARY KEY (store_id, id),
  CONSTRAINT allocation_policies_one_at_a_time EXCLUDE USING gist (store_id WITH =, in_force WITH &&)
);

-- batches with expiry ------------------------------------------------------------------------------

-- Goods of a category whose receipts must name an expiry, and how long before it they may be sold.
CREATE TABLE expiry_terms (
  id uuid PRIMARY KEY,
  category text NOT NULL CHECK (category <> ''),
  sell_until_days integer NOT NULL CHECK (sell_until_days BETWEEN 0 AND 3650),
  in_force tstzrange NOT NULL
    CHECK (NOT isempty(in_force) AND lower_inc(in_force) AND NOT upper_inc(in_force)),
  reason_zh text NOT NULL,
  reason_en text NOT NULL,
  CONSTRAINT expiry_terms_no_overlap EXCLUDE USING gist (category WITH =, in_force WITH &&)
);

-- How many days before its expiry goods of a category may not be sold any more, at an instant: by
-- the nearest category with terms. NULL: it has none.
CREATE FUNCTION sell_until_days(asked text, at timestamptz) RETURNS integer LANGUAGE sql STABLE AS $$
  SELECT t.sell_until_days FROM expiry_terms t
  WHERE t.in_force @> at AND (t.category = asked OR starts_with(asked, t.category || '/'))
  ORDER BY length(t.category) DESC LIMIT 1
$$;

CREATE TABLE stock_batches (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  warehouse_id uuid NOT NULL,
  sku_id uuid NOT NULL,
  lot text NOT NULL DEFAULT '' CHECK (length(lot) <= 60),
  expires_on date,
  received_at timestamptz NOT NULL,
  on_hand integer NOT NULL CHECK (on_hand >= 0),
  PRIMARY KEY (store_id, id),
  FOREIGN KEY (store_id, warehouse_id) REFERENCES warehouses,
  FOREIGN KEY (store_id, sku_id) REFERENCES skus,
  CONSTRAINT stock_batches_once UNIQUE NULLS NOT DISTINCT (store_id, warehouse_id, sku_id, lot, expires_on)
);
CREATE INDEX stock_batches_by_expiry ON stock_batches (store_id, expires_on) WHERE on_hand > 0;

-- counts -------------------------------------------------------------------------------------------

-- `limit_units`: what may differ in all before another person than the counters must approve.
CREATE TABLE stock_counts (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  warehouse_id uuid NOT NULL,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'counted', 'approved', 'dropped')),
  scope text NOT NULL DEFAULT '' CHECK (length(scope) <= 100),
  limit_units integer NOT NULL CHECK (limit_units >= 0),
  started_by uuid NOT NULL REFERENCES people,
  started_at timestamptz NOT NULL,
  counted_by uuid REFERENCES people,
  counted_at timestamptz,
  closed_by uuid REFERENCES people,
  closed_at timestamptz,
  PRIMARY KEY (store_id, id),
  FOREIGN KEY (store_id, warehouse_id) REFERENCES warehouses,
  CONSTRAINT stock_counts_counted CHECK ((counted_at IS NULL) = (counted_by IS NULL)
    AND (state <> 'counted' OR counted_at IS NOT NULL)
    AND (state <> 'approved' OR counted_at IS NOT NULL)),
  CONSTRAINT stock_counts_closed CHECK ((state IN ('approved', 'dropped')) = (closed_at IS NOT NULL)
    AND (closed_at IS NULL) = (closed_by IS NULL))
);
CREATE INDEX stock_counts_by_time ON stock_counts (store_id, started_at DESC, id DESC);

-- `expected`: what lay there at the moment of counting, by the books; NULL while nobody has counted.
CREATE TABLE stock_count_lines (
  store_id uuid NOT NULL,
  count_id uuid NOT NULL,
  sku_id uuid NOT NULL,
  expected integer CHECK (expected >= 0),
  counted integer CHECK (counted BETWEEN 0 AND 10000000),
  difference integer GENERATED ALWAYS AS (counted - expected) STORED,
  reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 200),
  counted_by uuid REFERENCES people,
  counted_at timestamptz,
  PRIMARY KEY (store_id, count_id, sku_id),
  FOREIGN KEY (store_id, count_id) REFERENCES stock_counts,
  FOREIGN KEY (store_id, sku_id) REFERENCES skus,
  CONSTRAINT stock_count_lines_whole CHECK ((counted IS NULL) = (expected IS NULL)
    AND (counted IS NULL) = (counted_at IS NULL) AND (counted IS NULL) = (counted_by IS NULL))
);

-- Every number that somebody noted, in the order of noting; a line of the count is the last one of its
-- SKU that was not undone. The key makes a number that is sent twice one number.
CREATE TABLE stock_count_scans (
  store_id uuid NOT NULL,
  count_id uuid NOT NULL,
  n integer NOT NULL,
  key text NOT NULL CHECK (length(key) BETWEEN 8 AND 80),
  sku_id uuid NOT NULL,
  expected integer NOT NULL CHECK (expected >= 0),
  counted integer NOT NULL CHECK (counted BETWEEN 0 AND 10000000),
  reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 200),
  by_id uuid NOT NULL REFERENCES people,
  at timestamptz NOT NULL,
  undone_at timestamptz,
  PRIMARY KEY (store_id, count_id, n),
  CONSTRAINT stock_count_scans_once UNIQUE (store_id, count_id, key),
  FOREIGN KEY (store_id, count_id, sku_id) REFERENCES stock_count_lines
);

-- transfers ----------------------------------------------------------------------------------------

CREATE TABLE stock_transfers (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  src_warehouse uuid NOT NULL,
  dst_warehouse uuid NOT NULL,
  state text NOT NULL DEFAULT 'sent' CHECK (state IN ('sent', 'received')),
  note text NOT NULL DEFAULT '' CHECK (length(note) <= 200),
  sent_by uuid NOT NULL REFERENCES people,
  sent_at timestamptz NOT NULL,
  received_by uuid REFERENCES people,
  received_at timestamptz,
  key text NOT NULL CHECK (key <> ''),
  PRIMARY KEY (store_id, id),
  CONSTRAINT stock_transfers_one_key UNIQUE (store_id, key),
  CONSTRAINT stock_transfers_src_fkey FOREIGN KEY (store_id, src_warehouse) REFERENCES warehouses,
  CONSTRAINT stock_transfers_dst_fkey FOREIGN KEY (store_id, dst_warehouse) REFERENCES warehouses,
  CONSTRAINT stock_transfers_two CHECK (src_warehouse <> dst_warehouse),
  CONSTRAINT stock_transfers_received CHECK ((state = 'received') = (received_at IS NOT NULL)
    AND (received_at IS NULL) = (received_by IS NULL))
);
CREATE INDEX stock_transfers_by_time ON stock_transfers (store_id, sent_at DESC, id DESC);

-- `arrived` and `damaged` of `quantity` came; the rest was lost on the way.
CREATE TABLE stock_transfer_lines (
  store_id uuid NOT NULL,
  transfer_id uuid NOT NULL,
  sku_id uuid NOT NULL,
  quantity integer NOT NULL CHECK (quantity > 0),
  arrived integer CHECK (arrived >= 0),
  damaged integer NOT NULL DEFAULT 0 CHECK (damaged >= 0),
  PRIMARY KEY (store_id, transfer_id, sku_id),
  FOREIGN KEY (store_id, transfer_id) REFERENCES stock_transfers,
  FOREIGN KEY (store_id, sku_id) REFERENCES skus,
  CONSTRAINT stock_transfer_lines_within CHECK (COALESCE(arrived, 0) + damaged <= quantity)
);

-- quotas -------------------------------------------------------------------------------------------

-- How many quotas of a SKU are not ended: read with the row that the order intake locks anyhow.
ALTER TABLE stock ADD COLUMN quotas integer NOT NULL DEFAULT 0
  CONSTRAINT stock_quotas_counted CHECK (quotas >= 0);

-- Units that only a channel, or one live room (of the host), may sell, and no more through it.
CREATE TABLE stock_quotas (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  sku_id uuid NOT NULL,
  channel text NOT NULL CHECK (channel IN ('live', 'video', 'shop', 'api')),
  room_id uuid REFERENCES live_rooms,
  host_id uuid,
  units integer NOT NULL CHECK (units BETWEEN 1 AND 10000000),
  used integer NOT NULL DEFAULT 0,
  starts_at timestamptz NOT NULL,
  ends_at timestamptz,
  made_by uuid NOT NULL REFERENCES people,
  made_at timestamptz NOT NULL,
  ended_at timestamptz,
  PRIMARY KEY (store_id, id),
  FOREIGN KEY (store_id, sku_id) REFERENCES skus,
  CONSTRAINT stock_quotas_used CHECK (used BETWEEN 0 AND units),
  CONSTRAINT stock_quotas_room CHECK ((room_id IS NULL OR channel = 'live')
    AND (room_id IS NULL) = (host_id IS NULL)),
  CONSTRAINT stock_quotas_span CHECK (ends_at > starts_at)
);
CREATE INDEX stock_quotas_due ON stock_quotas (ends_at) WHERE ended_at IS NULL;
CREATE INDEX stock_quotas_of_room ON stock_quotas (room_id) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX stock_quotas_one ON stock_quotas (store_id, sku_id, channel, room_id)
  NULLS NOT DISTINCT WHERE ended_at IS NULL;

CREATE TABLE stock_quota_uses (
  store_id uuid NOT NULL,
  order_id uuid NOT NULL,
  quota_id uuid NOT NULL,
  units integer NOT NULL CHECK (units > 0),
  released integer NOT NULL DEFAULT 0,
  at timestamptz NOT NULL,
  PRIMARY KEY (store_id, order_id, quota_id),
  FOREIGN KEY (store_id, quota_id) REFERENCES stock_quotas,
  CONSTRAINT stock_quota_uses_released CHECK (released BETWEEN 0 AND units)
);

-- Of a SKU's free units, those that one way of selling can sell: a way that has a quota (a room its
-- own before the channel's) that alone, every other what no quota keeps. Asked only for a SKU that
-- has quotas, hence the low cost: a plan shall not be chosen as if every row asked.
CREATE FUNCTION units_for_way(of_store uuid, of_sku uuid, free integer, way text, host uuid,
  at timestamptz) RETURNS integer LANGUAGE sql STABLE COST 1 AS $$
  WITH kept AS (
    SELECT id, channel, host_id, units - used AS units FROM stock_quotas
    WHERE store_id = of_store AND sku_id = of_sku AND ended_at IS NULL
      AND starts_at <= at AND (ends_at IS NULL OR ends_at > at)
  )
  SELECT greatest(0, least(free, COALESCE(
    (SELECT units FROM kept WHERE channel = way AND (host_id IS NULL OR host_id = host)
     ORDER BY host_id IS NULL, id LIMIT 1),
    free - (SELECT COALESCE(sum(units), 0) FROM kept))))::integer
$$;

-- The same by the link that led here; `straight`: the way of what no shown link has brought.
CREATE FUNCTION units_for_link(of_store uuid, of_sku uuid, free integer, link uuid, straight text,
  at timestamptz) RETURNS integer LANGUAGE sql STABLE COST 1 AS $$
  SELECT units_for_way(of_store, of_sku, free, COALESCE(max(l.surface), straight),
    max(l.creator_id::text)::uuid, at)
  FROM product_links l LEFT JOIN videos v ON v.id = l.video_id
  WHERE l.id = link AND l.surface IN ('live', 'video') AND l.removed_at IS NULL
    AND l.hidden_at IS NULL AND (v.state = 'published' OR l.surface = 'live')
$$;

-- what goods cost ----------------------------------------------------------------------------------

-- The units of a SKU whose cost is known, and that cost: its moving average is cost / quantity.
CREATE TABLE stock_costs (
  store_id uuid NOT NULL,
  sku_id uuid NOT NULL,
  quantity integer NOT NULL CHECK (quantity >= 0),
  cost_minor bigint NOT NULL CHECK (cost_minor >= 0),
  at timestamptz NOT NULL,
  PRIMARY KEY (store_id, sku_id),
  FOREIGN KEY (store_id, sku_id) REFERENCES skus,
  CONSTRAINT stock_costs_nothing_left CHECK (quantity > 0 OR cost_minor = 0)
);

-- A later change of what goods on hand cost (freight, duty, a bill that differs).
CREATE TABLE stock_revaluations (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  sku_id uuid NOT NULL,
  value_minor bigint NOT NULL CHECK (value_minor <> 0),
  about_kind text NOT NULL CHECK (about_kind <> ''),
  about_id uuid,
  at timestamptz NOT NULL,
  key text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
  PRIMARY KEY (store_id, id),
  CONSTRAINT stock_revaluations_one_key UNIQUE (store_id, key),
  FOREIGN KEY (store_id, sku_id) REFERENCES skus
);

CREATE INDEX stock_revaluations_of_sku ON stock_revaluations (store_id, sku_id, at);

-- A correction of that value: proposed by one person, decided by another. `units`, `before_minor`:
-- as they were when it was proposed, then as it was booked. It asks for a unit cost, or a value.
CREATE TABLE stock_value_corrections (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  sku_id uuid NOT NULL,
  state text NOT NULL DEFAULT 'proposed'
    CHECK (state IN ('proposed', 'approved', 'refused', 'withdrawn')),
  unit_cost_minor bigint CHECK (unit_cost_minor BETWEEN 0 AND 100000000),
  value_minor bigint CHECK (value_minor BETWEEN 0 AND 1000000000000000),
  reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 200),
  evidence text NOT NULL CHECK (length(evidence) BETWEEN 1 AND 2000),
  units integer NOT NULL CHECK (units > 0),
  before_minor bigint NOT NULL CHECK (before_minor >= 0),
  after_minor bigint,
  proposed_by uuid NOT NULL REFERENCES people,
  proposed_at timestamptz NOT NULL,
  decided_by uuid REFERENCES people,
  decided_at timestamptz,
  decided_why text NOT NULL DEFAULT '' CHECK (length(decided_why) <= 200),
  PRIMARY KEY (store_id, id),
  FOREIGN KEY (store_id, sku_id) REFERENCES skus,
  CONSTRAINT stock_value_corrections_one_wish
    CHECK (num_nonnulls(unit_cost_minor, value_minor) = 1),
  CONSTRAINT stock_value_corrections_decided CHECK (
    num_nonnulls(decided_by, decided_at) = CASE state WHEN 'proposed' THEN 0 ELSE 2 END),
  CONSTRAINT stock_value_corrections_two
    CHECK (state = 'proposed' OR (state = 'withdrawn') = (decided_by = proposed_by)),
  CONSTRAINT stock_value_corrections_booked CHECK ((state = 'approved') = (after_minor IS NOT NULL)
    AND after_minor >= 0 AND after_minor <> before_minor)
);
CREATE UNIQUE INDEX stock_value_corrections_one_open ON stock_value_corrections (store_id, sku_id)
  WHERE state = 'proposed';
CREATE INDEX stock_value_corrections_by_time ON stock_value_corrections (store_id, proposed_at);

-- What was proposed stays as it was, and what was decided too.
CREATE FUNCTION keep_correction() RETURNS trigger LANGUAGE plpgsql AS
$$ DECLARE may text[] := ARRAY['state', 'units', 'before_minor', 'after_minor', 'decided_by',
  'decided_at', 'decided_why'];
BEGIN
  IF OLD.state <> 'proposed' OR to_jsonb(OLD) - may IS DISTINCT FROM to_jsonb(NEW) - may
  THEN RAISE EXCEPTION 'corrections are kept: % on % is refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'integrity_constraint_violation'; END IF;
  RETURN NEW; END $$;
CREATE TRIGGER keep_correction BEFORE UPDATE ON stock_value_corrections
  FOR EACH ROW EXECUTE FUNCTION keep_correction();

-- what is there already ----------------------------------------------------------------------------

INSERT INTO warehouses (store_id, id, code, name_zh, name_en, is_default, made_at)
SELECT id, gen_random_uuid(), 'MAIN', '默认仓', 'Main warehouse', true, created_at FROM stores
WHERE EXISTS (SELECT FROM stock k WHERE k.store_id = stores.id);
INSERT INTO stock_levels (store_id, warehouse_id, sku_id, on_hand)
SELECT k.store_id, w.id, k.sku_id, k.on_hand
FROM stock k JOIN warehouses w ON w.store_id = k.store_id;
INSERT INTO stock_moves (store_id, id, sku_id, quantity, kind, src, dst, dst_warehouse, at, key)
SELECT l.store_id, gen_random_uuid(), l.sku_id, l.on_hand, 'set', 'lost_found', 'free',
  l.warehouse_id, now(), 'opening:' || l.sku_id FROM stock_levels l WHERE l.on_hand > 0
UNION ALL
SELECT k.store_id, gen_random_uuid(), k.sku_id, k.reserved, 'reserved', 'pool', 'promised',
  NULL, now(), 'opening-reserved:' || k.sku_id FROM stock k WHERE k.reserved > 0;

-- what the app may do ------------------------------------------------------------------------------

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['stock_moves', 'stock_revaluations'] LOOP
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %I FROM dougong_app', t);
    EXECUTE format('CREATE TRIGGER keep_fact BEFORE UPDATE OR DELETE ON %I
      FOR EACH ROW EXECUTE FUNCTION refuse_change()', t);
    EXECUTE format('CREATE TRIGGER keep_all BEFORE TRUNCATE ON %I
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['warehouses', 'stock_levels', 'stock_allocations', 'allocation_policies',
    'expiry_terms', 'stock_batches', 'stock_counts', 'stock_count_scans', 'stock_transfers', 'stock_quotas',
    'stock_quota_uses', 'stock_costs', 'stock_value_corrections'] LOOP
    EXECUTE format('REVOKE DELETE, TRUNCATE ON %I FROM dougong_app', t);
  END LOOP;
END $$;

INSERT INTO expiry_terms (id, category, sell_until_days, in_force, reason_zh, reason_en) VALUES
  ('00000000-0000-4000-8000-000000000901', 'food', 7, '[2018-01-01T00:00:00Z,)',
   '食品按保质期管理，临期不再销售', 'Food is kept by expiry and not sold close to it');
