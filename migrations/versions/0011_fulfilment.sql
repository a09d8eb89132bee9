-- carriers ------------------------------------------------------------------------------------

CREATE TABLE carriers (
  store_id uuid NOT NULL REFERENCES stores,
  code text NOT NULL CHECK (code ~ '^[a-z0-9][a-z0-9-]{0,29}$'),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
  kind text NOT NULL CHECK (kind IN ('table', 'sandbox', 'manual')),
  secret text NOT NULL CHECK (length(secret) >= 24),
  made_at timestamptz NOT NULL,
  closed_at timestamptz,
  PRIMARY KEY (store_id, code),
  CONSTRAINT carriers_one_name UNIQUE (store_id, name)
);

-- One row a way: `*` is anywhere. Rows of one zone differ in their province only.
CREATE TABLE carrier_rates (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  carrier text NOT NULL,
  zone text NOT NULL CHECK (length(zone) BETWEEN 1 AND 40),
  from_province text NOT NULL DEFAULT '*',
  to_province text NOT NULL DEFAULT '*',
  first_g integer NOT NULL CHECK (first_g > 0),
  first_minor bigint NOT NULL CHECK (first_minor >= 0),
  further_g integer NOT NULL CHECK (further_g > 0),
  further_minor bigint NOT NULL CHECK (further_minor >= 0),
  divisor integer NOT NULL CHECK (divisor >= 0),
  in_force tstzrange NOT NULL
    CHECK (NOT isempty(in_force) AND lower_inc(in_force) AND NOT upper_inc(in_force)),
  made_by uuid NOT NULL,
  made_at timestamptz NOT NULL,
  PRIMARY KEY (store_id, id),
  FOREIGN KEY (store_id, carrier) REFERENCES carriers,
  CONSTRAINT carrier_rates_no_overlap EXCLUDE USING gist (store_id WITH =, carrier WITH =,
    from_province WITH =, to_province WITH =, in_force WITH &&)
);

-- packages ------------------------------------------------------------------------------------

-- A package is packed first and has a number later; `order_id` is the first of its orders.
ALTER TABLE packages
  ADD COLUMN state text NOT NULL DEFAULT 'handed_over' CHECK (state IN ('packed', 'unpacked',
    'handed_over', 'in_transit', 'out_for_delivery', 'delivered', 'failed', 'returning', 'returned',
    'lost')),
  ADD COLUMN state_at timestamptz NOT NULL,
  ADD COLUMN heard_at timestamptz NOT NULL,
  ADD COLUMN watch_at timestamptz,
  ADD COLUMN warehouse_id uuid,
  ADD COLUMN weight_g integer CHECK (weight_g > 0),
  ADD COLUMN size_mm integer[] CHECK (cardinality(size_mm) = 3),
  ADD COLUMN packed_at timestamptz,
  ADD COLUMN packed_by uuid,
  ADD COLUMN planned_carrier text,
  ADD COLUMN planned_minor bigint CHECK (planned_minor >= 0),
  ALTER COLUMN carrier DROP NOT NULL,
  ALTER COLUMN tracking_no DROP NOT NULL,
  ALTER COLUMN shipped_at DROP NOT NULL,
  ADD CONSTRAINT packages_planned FOREIGN KEY (store_id, planned_carrier) REFERENCES carriers,
  ADD CONSTRAINT packages_planned_cost CHECK (planned_minor IS NULL OR planned_carrier IS NOT NULL),
  ADD CONSTRAINT packages_sent_has_number CHECK (shipped_at IS NULL
    OR (carrier IS NOT NULL AND tracking_no IS NOT NULL)),
  ADD CONSTRAINT packages_sent_when_out CHECK ((state IN ('packed', 'unpacked'))
    = (shipped_at IS NULL));
CREATE INDEX packages_by_number ON packages (store_id, tracking_no);
CREATE INDEX packages_by_state ON packages (store_id, state, state_at, id);
CREATE INDEX packages_stuck ON packages (store_id, watch_at, id) WHERE watch_at IS NOT NULL;

-- A line says whose it is: a package may hold goods of several orders of one buyer.
ALTER TABLE package_lines ADD COLUMN order_id uuid NOT NULL;
ALTER TABLE package_lines DROP CONSTRAINT package_lines_pkey;
ALTER TABLE package_lines ADD PRIMARY KEY (store_id, package_id, order_id, line_no);
CREATE INDEX package_lines_by_order ON package_lines (store_id, order_id);

-- What was told of packages, once each, whoever told it and however often.
CREATE TABLE tracking_events (
  store_id uuid NOT NULL,
  package_id uuid NOT NULL,
  key text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
  at timestamptz NOT NULL,
  status text NOT NULL CHECK (status IN ('registered', 'accepted', 'in_transit', 'held',
    'out_for_delivery', 'delivered', 'failed', 'wrong_address', 'refused', 'lost', 'intercepted',
    'returning', 'returned')),
  raw text NOT NULL DEFAULT '',
  place text NOT NULL DEFAULT '',
  province text NOT NULL DEFAULT '',
  source text NOT NULL CHECK (source IN ('typed', 'file', 'carrier', 'aggregator')),
  by_id uuid,
  arrived_at timestamptz NOT NULL,
  PRIMARY KEY (store_id, package_id, key),
  FOREIGN KEY (store_id, package_id) REFERENCES packages
);

-- Tracking of a number that no package has: kept until one has it.
CREATE TABLE stray_events (
  store_id uuid NOT NULL REFERENCES stores,
  tracking_no text NOT NULL CHECK (tracking_no <> ''),
  key text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
  at timestamptz NOT NULL,
  status text NOT NULL,
  raw text NOT NULL DEFAULT '',
  place text NOT NULL DEFAULT '',
  province text NOT NULL DEFAULT '',
  source text NOT NULL,
  arrived_at timestamptz NOT NULL,
  taken_at timestamptz,
  PRIMARY KEY (store_id, tracking_no, key)
);
CREATE INDEX stray_events_waiting ON stray_events (store_id, arrived_at) WHERE taken_at IS NULL;

-- waybills ------------------------------------------------------------------------------------

-- `key` is the same however often the carrier is asked: it makes one waybill of it.
CREATE TABLE waybills (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  package_id uuid NOT NULL,
  carrier text NOT NULL,
  state text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'made', 'refused', 'cancel_asked',
    'cancelled', 'intercept_asked', 'intercepted')),
  number text,
  cost_minor bigint CHECK (cost_minor >= 0),
  reason text NOT NULL DEFAULT '',
  asked_by uuid NOT NULL,
  asked_at timestamptz NOT NULL,
  answered_at timestamptz,
  PRIMARY KEY (store_id, id),
  FOREIGN KEY (store_id, package_id) REFERENCES packages,
  FOREIGN KEY (store_id, carrier) REFERENCES carriers,
  CONSTRAINT waybills_one_number UNIQUE (store_id, carrier, number),
  CONSTRAINT waybills_made_has_number CHECK (number IS NOT NULL
    OR state IN ('asked', 'refused', 'cancel_asked', 'cancelled'))
);
CREATE UNIQUE INDEX waybills_one_live ON waybills (store_id, package_id)
  WHERE state IN ('asked', 'made', 'cancel_asked', 'intercept_asked');
CREATE INDEX waybills_by_package ON waybills (store_id, package_id, asked_at);
CREATE INDEX waybills_waiting ON waybills (asked_at)
  WHERE state IN ('asked', 'cancel_asked', 'intercept_asked');

-- hand-overs ----------------------------------------------------------------------------------

-- What one driver takes along: a list that is closed, and signed for, when the parcels leave.
CREATE TABLE hand_overs (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  number integer NOT NULL,
  carrier text NOT NULL CHECK (carrier <> ''),
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
  made_by uuid NOT NULL,
  made_at timestamptz NOT NULL,
  closed_at timestamptz,
  taken_by text NOT NULL DEFAULT '',
  PRIMARY KEY (store_id, id),
  CONSTRAINT hand_overs_number UNIQUE (store_id, number),
  CONSTRAINT hand_overs_closed CHECK ((state = 'closed') = (closed_at IS NOT NULL))
);
CREATE INDEX hand_overs_open ON hand_overs (store_id, made_at) WHERE state = 'open';

CREATE TABLE hand_over_packages (
  store_id uuid NOT NULL,
  hand_over_id uuid NOT NULL,
  package_id uuid NOT NULL,
  outcome text NOT NULL DEFAULT 'listed' CHECK (outcome IN ('listed', 'gone', 'held_back')),
  reason text NOT NULL DEFAULT '',
  PRIMARY KEY (store_id, hand_over_id, package_id),
  FOREIGN KEY (store_id, hand_over_id) REFERENCES hand_overs,
  FOREIGN KEY (store_id, package_id) REFERENCES packages
);
CREATE UNIQUE INDEX hand_over_packages_once ON hand_over_packages (store_id, package_id)
  WHERE outcome <> 'held_back';

-- waves and picks -----------------------------------------------------------------------------

CREATE TABLE pick_bins (
  store_id uuid NOT NULL,
  sku_id uuid NOT NULL,
  warehouse_id uuid NOT NULL,
  bin text NOT NULL CHECK (length(bin) BETWEEN 1 AND 24),
  PRIMARY KEY (store_id, sku_id, warehouse_id),
  FOREIGN KEY (store_id, sku_id) REFERENCES skus
);

-- A wave is of one warehouse. `lines` and `province`: which orders were asked for; '' is any. Its
-- parcels go with `carrier`, or each with the one whose rate is lowest, unless they are packed otherwise.
CREATE TABLE waves (
  store_id uuid NOT NULL REFERENCES stores,
  id uuid NOT NULL,
  number integer NOT NULL,
  warehouse_id uuid NOT NULL,
  lines text NOT NULL DEFAULT 'any' CHECK (lines IN ('any', 'one', 'several')),
  province text NOT NULL DEFAULT '',
  carrier text,
  is_cheapest boolean NOT NULL DEFAULT false,
  state text NOT NULL DEFAULT 'picking' CHECK (state IN ('picking', 'picked', 'closed')),
  made_by uuid NOT NULL,
  made_at timestamptz NOT NULL,
  closed_at timestamptz,
  PRIMARY KEY (store_id, id),
  CONSTRAINT waves_number UNIQUE (store_id, number),
  CONSTRAINT waves_there UNIQUE (store_id, id, warehouse_id),
  CONSTRAINT waves_one_choice CHECK (carrier IS NULL OR NOT is_cheapest),
  CONSTRAINT waves_carrier FOREIGN KEY (store_id, carrier) REFERENCES carriers,
  CONSTRAINT waves_warehouse FOREIGN KEY (store_id, warehouse_id) REFERENCES warehouses
);
CREATE INDEX waves_open ON waves (store_id, made_at) WHERE state <> 'closed';

-- What an order's line has in a warehouse is in one open wave at a time.
CREATE TABLE wave_lines (
  store_id uuid NOT NULL,
  wave_id uuid NOT NULL,
  order_id uuid NOT NULL,
  line_no smallint NOT NULL,
  warehouse_id uuid NOT NULL,
  sku_id uuid NOT NULL,
  quantity integer NOT NULL CHECK (quantity > 0),
  picked integer NOT NULL DEFAULT 0,
  packed integer NOT NULL DEFAULT 0,
  bin text NOT NULL DEFAULT '',
  is_open boolean NOT NULL DEFAULT true,
  PRIMARY KEY (store_id, wave_id, order_id, line_no),
  CONSTRAINT wave_lines_wave FOREIGN KEY (store_id, wave_id, warehouse_id)
    REFERENCES waves (store_id, id, warehouse_id),
  CONSTRAINT wave_lines_never_more CHECK (picked BETWEEN 0 AND quantity),
  CONSTRAINT wave_lines_packed CHECK (packed BETWEEN 0 AND quantity)
);
CREATE UNIQUE INDEX wave_lines_once ON wave_lines (store_id, order_id, line_no, warehouse_id)
  WHERE is_open;
CREATE INDEX wave_lines_to_pick ON wave_lines (store_id, wave_id, bin, sku_id);

-- Every unit that somebody took from the shelf; the key makes a scan that comes twice one scan. What
-- is put back is a row of its own that undoes one other.
CREATE TABLE picks (
  store_id uuid NOT NULL,
  key text NOT NULL CHECK (length(key) BETWEEN 8 AND 80),
  wave_id uuid NOT NULL,
  order_id uuid NOT NULL,
  line_no smallint NOT NULL,
  quantity integer NOT NULL,
  undoes text,
  by_id uuid NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (store_id, key),
  FOREIGN KEY (store_id, wave_id, order_id, line_no) REFERENCES wave_lines,
  CONSTRAINT picks_undone_once UNIQUE (store_id, undoes),
  FOREIGN KEY (store_id, undoes) REFERENCES picks,
  CONSTRAINT picks_signed CHECK (quantity <> 0 AND (quantity < 0) = (undoes IS NOT NULL))
);

-- ship-time promises --------------------------------------------------------------------------

-- Frozen when an order is paid: by when it has to leave. Kept: nothing is left to ship.
CREATE TABLE ship_promises (
  store_id uuid NOT NULL,
  order_id uuid NOT NULL,
  promised_by timestamptz NOT NULL,
  rule_id uuid,
  made_at timestamptz NOT NULL,
  kept_at timestamptz,
  late_at timestamptz,
  late_units integer CHECK (late_units > 0),
  PRIMARY KEY (store_id, order_id),
  CONSTRAINT ship_promises_late CHECK ((late_at IS NULL) = (late_units IS NULL))
);
CREATE INDEX ship_promises_open ON ship_promises (store_id, promised_by, order_id)
  WHERE kept_at IS NULL;
CREATE INDEX ship_promises_due ON ship_promises (promised_by)
  WHERE kept_at IS NULL AND late_at IS NULL;

-- what the app may do -------------------------------------------------------------------------

REVOKE UPDATE, DELETE, TRUNCATE ON tracking_events, picks FROM dougong_app;
REVOKE DELETE, TRUNCATE ON packages, carriers, carrier_rates, stray_events, waybills,
  hand_overs, hand_over_packages, waves, wave_lines, ship_promises FROM dougong_app;
