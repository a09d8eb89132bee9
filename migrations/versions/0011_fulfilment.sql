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
  ALTER COLUMN carrier DROP NOT NULL,
  ALTER COLUMN tracking_no DROP NOT NULL,
  ALTER COLUMN shipped_at DROP NOT NULL,
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

-- what the app may do -------------------------------------------------------------------------

REVOKE UPDATE, DELETE, TRUNCATE ON tracking_events FROM dougong_app;
REVOKE DELETE, TRUNCATE ON packages, carriers, carrier_rates, stray_events FROM dougong_app;
