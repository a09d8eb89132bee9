-- purchasing: suppliers, what they sell, what is ordered, received and billed --------------------------

-- How a store buys, by date. `approve_above_minor`: an order of more needs a second person. Tolerances
-- are what a bill may differ by; `over_bp`: how much more than ordered may come.
CREATE TABLE purchase_terms (
  store_id uuid NOT NULL REFERENCES stores,
  id uuid NOT NULL,
  approve_above_minor bigint NOT NULL CHECK (approve_above_minor >= 0),
  price_tolerance_bp integer NOT NULL CHECK (price_tolerance_bp BETWEEN 0 AND 10000),
  amount_tolerance_minor bigint NOT NULL CHECK (amount_tolerance_minor >= 0),
  over_bp integer NOT NULL CHECK (over_bp BETWEEN 0 AND 10000),
  service_level_bp integer NOT NULL CHECK (service_level_bp BETWEEN 5000 AND 9990),
  in_force tstzrange NOT NULL
    CHECK (NOT isempty(in_force) AND lower_inc(in_force) AND NOT upper_inc(in_force)),
  PRIMARY KEY (store_id, id),
  CONSTRAINT purchase_terms_no_overlap EXCLUDE USING gist (store_id WITH =, in_force WITH &&)
);

CREATE TABLE purchase_numbers (
  store_id uuid NOT NULL REFERENCES stores,
  kind text NOT NULL CHECK (kind IN ('PO', 'GR', 'SR', 'DS')),
  last integer NOT NULL CHECK (last > 0),
  PRIMARY KEY (store_id, kind)
);

-- `token_hash`: of the secret in the address of the supplier's own page; none where it has none.
CREATE TABLE suppliers (
  store_id uuid NOT NULL REFERENCES stores,
  id uuid NOT NULL,
  code text NOT NULL CHECK (code ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$'),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
  contact text NOT NULL DEFAULT '' CHECK (length(contact) <= 120),
  email text NOT NULL DEFAULT '' CHECK (length(email) <= 200),
  phone text NOT NULL DEFAULT '' CHECK (length(phone) <= 40),
  currency char(3) NOT NULL,
  payment_days smallint NOT NULL CHECK (payment_days BETWEEN 0 AND 365),
  lead_days smallint NOT NULL CHECK (lead_days BETWEEN 0 AND 365),
  notes text NOT NULL DEFAULT '' CHECK (length(notes) <= 2000),
  token_hash bytea CHECK (length(token_hash) = 32),
  token_at timestamptz,
  made_at timestamptz NOT NULL,
  closed_at timestamptz,
  PRIMARY KEY (store_id, id),
  CONSTRAINT suppliers_code UNIQUE (store_id, code),
  CONSTRAINT suppliers_token UNIQUE (token_hash),
  CONSTRAINT suppliers_token_dated CHECK ((token_hash IS NULL) = (token_at IS NULL)),
  CONSTRAINT suppliers_currency FOREIGN KEY (store_id, currency) REFERENCES stores (id, currency)
);

-- What a supplier sells of ours. `is_dropship`: it sends this SKU to the buyer itself.
CREATE TABLE supplier_items (
  store_id uuid NOT NULL,
  supplier_id uuid NOT NULL,
  sku_id uuid NOT NULL,
  supplier_sku text NOT NULL DEFAULT '' CHECK (length(supplier_sku) <= 80),
  pack_size integer NOT NULL DEFAULT 1 CHECK (pack_size BETWEEN 1 AND 100000),
  min_quantity integer NOT NULL DEFAULT 1 CHECK (min_quantity BETWEEN 1 AND 10000000),
  lead_days smallint CHECK (lead_days BETWEEN 0 AND 365),
  is_dropship boolean NOT NULL DEFAULT false,
  PRIMARY KEY (store_id, supplier_id, sku_id),
  FOREIGN KEY (store_id, supplier_id) REFERENCES suppliers,
  FOREIGN KEY (store_id, sku_id) REFERENCES skus
);
CREATE INDEX supplier_items_by_sku ON supplier_items (store_id, sku_id);
CREATE UNIQUE INDEX supplier_items_one_dropshipper ON supplier_items (store_id, sku_id)
  WHERE is_dropship;

-- What one unit costs from a quantity on, by date. Of those in force the highest `from_quantity` that
-- is reached counts.
CREATE TABLE supplier_prices (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  supplier_id uuid NOT NULL,
  sku_id uuid NOT NULL,
  from_quantity integer NOT NULL CHECK (from_quantity BETWEEN 1 AND 10000000),
  price_minor bigint NOT NULL CHECK (price_minor BETWEEN 0 AND 100000000000),
  in_force tstzrange NOT NULL
    CHECK (NOT isempty(in_force) AND lower_inc(in_force) AND NOT upper_inc(in_force)),
  made_by uuid NOT NULL REFERENCES people,
  PRIMARY KEY (store_id, id),
  FOREIGN KEY (store_id, supplier_id, sku_id) REFERENCES supplier_items,
  CONSTRAINT supplier_prices_no_overlap EXCLUDE USING gist (store_id WITH =, supplier_id WITH =,
    sku_id WITH =, from_quantity WITH =, in_force WITH &&)
);

CREATE TABLE purchase_orders (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  number text NOT NULL CHECK (length(number) BETWEEN 3 AND 40),
  supplier_id uuid NOT NULL,
  warehouse_id uuid,
  state text NOT NULL CHECK (state IN ('draft', 'approved', 'sent', 'part_received', 'received',
    'closed', 'cancelled')),
  currency char(3) NOT NULL,
  goods_minor bigint NOT NULL CHECK (goods_minor >= 0),
  limit_minor bigint CHECK (limit_minor >= 0),
  expected_on date NOT NULL,
  note text NOT NULL DEFAULT '' CHECK (length(note) <= 2000),
  made_by uuid NOT NULL REFERENCES people,
  made_at timestamptz NOT NULL,
  approved_by uuid REFERENCES people,
  approved_at timestamptz,
  sent_at timestamptz,
  ended_at timestamptz,
  end_reason text NOT NULL DEFAULT '' CHECK (length(end_reason) <= 500),
  PRIMARY KEY (store_id, id),
  CONSTRAINT purchase_orders_number UNIQUE (store_id, number),
  FOREIGN KEY (store_id, supplier_id) REFERENCES suppliers,
  FOREIGN KEY (store_id, warehouse_id) REFERENCES warehouses,
  CONSTRAINT purchase_orders_approved CHECK (
    (approved_at IS NULL) = (approved_by IS NULL) AND (approved_at IS NULL) = (limit_minor IS NULL)
    AND (state IN ('draft', 'cancelled') OR approved_at IS NOT NULL)),
  CONSTRAINT purchase_orders_second_person CHECK (
    approved_by IS NULL OR goods_minor <= limit_minor OR approved_by <> made_by),
  CONSTRAINT purchase_orders_sent CHECK (
    state IN ('draft', 'approved', 'cancelled') OR sent_at IS NOT NULL),
  CONSTRAINT purchase_orders_ended CHECK ((state IN ('closed', 'cancelled')) = (ended_at IS NOT NULL))
);
CREATE INDEX purchase_orders_by_time ON purchase_orders (store_id, made_at DESC, id DESC);
CREATE INDEX purchase_orders_by_state ON purchase_orders (store_id, state, made_at DESC, id DESC);
CREATE INDEX purchase_orders_by_supplier ON purchase_orders (store_id, supplier_id, made_at DESC);

-- `received`: good units that came; `returned` of them went back; `billed`: units on approved bills.
-- `price_id`: the price in force when it was ordered, where there was one.
CREATE TABLE purchase_lines (
  store_id uuid NOT NULL,
  order_id uuid NOT NULL,
  line_no smallint NOT NULL CHECK (line_no BETWEEN 1 AND 1000),
  sku_id uuid NOT NULL,
  supplier_sku text NOT NULL DEFAULT '',
  quantity integer NOT NULL CHECK (quantity BETWEEN 1 AND 10000000),
  price_minor bigint NOT NULL CHECK (price_minor BETWEEN 0 AND 100000000000),
  price_id uuid,
  most integer NOT NULL,
  received integer NOT NULL DEFAULT 0,
  returned integer NOT NULL DEFAULT 0,
  billed integer NOT NULL DEFAULT 0 CHECK (billed >= 0),
  PRIMARY KEY (store_id, order_id, line_no),
  CONSTRAINT purchase_lines_once UNIQUE (store_id, order_id, sku_id),
  FOREIGN KEY (store_id, order_id) REFERENCES purchase_orders,
  FOREIGN KEY (store_id, sku_id) REFERENCES skus,
  CONSTRAINT purchase_lines_most CHECK (most >= quantity),
  CONSTRAINT purchase_lines_received CHECK (received BETWEEN 0 AND most),
  CONSTRAINT purchase_lines_returned CHECK (returned BETWEEN 0 AND received)
);
CREATE INDEX purchase_lines_by_sku ON purchase_lines (store_id, sku_id);

-- A delivery as it was counted at the door. Damaged units are not taken in; `short`: on the delivery
-- note, but not there.
CREATE TABLE goods_receipts (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  number text NOT NULL,
  order_id uuid NOT NULL,
  warehouse_id uuid NOT NULL,
  delivery_note text NOT NULL DEFAULT '' CHECK (length(delivery_note) <= 80),
  key text NOT NULL CHECK (length(key) BETWEEN 8 AND 200),
  request_hash bytea NOT NULL,
  note text NOT NULL DEFAULT '' CHECK (length(note) <= 2000),
  by_id uuid NOT NULL REFERENCES people,
  at timestamptz NOT NULL,
  PRIMARY KEY (store_id, id),
  CONSTRAINT goods_receipts_number UNIQUE (store_id, number),
  CONSTRAINT goods_receipts_one_key UNIQUE (store_id, key),
  FOREIGN KEY (store_id, warehouse_id) REFERENCES warehouses,
  FOREIGN KEY (store_id, order_id) REFERENCES purchase_orders
);
CREATE INDEX goods_receipts_by_time ON goods_receipts (store_id, at DESC, id DESC);
CREATE INDEX goods_receipts_by_order ON goods_receipts (store_id, order_id, at);

CREATE TABLE goods_receipt_lines (
  store_id uuid NOT NULL,
  receipt_id uuid NOT NULL,
  line_no smallint NOT NULL,
  accepted integer NOT NULL CHECK (accepted >= 0),
  damaged integer NOT NULL DEFAULT 0 CHECK (damaged >= 0),
  short integer NOT NULL DEFAULT 0 CHECK (short >= 0),
  over integer NOT NULL DEFAULT 0,
  lot text NOT NULL DEFAULT '' CHECK (length(lot) <= 60),
  expires_on date,
  PRIMARY KEY (store_id, receipt_id, line_no),
  FOREIGN KEY (store_id, receipt_id) REFERENCES goods_receipts,
  CONSTRAINT goods_receipt_lines_something CHECK (accepted + damaged + short > 0),
  CONSTRAINT goods_receipt_lines_over CHECK (over BETWEEN 0 AND accepted)
);

-- What it cost to bring a delivery in, shared out among its lines; `to_stock_minor` of a share went into
-- the moving average, the rest belongs to units that were gone already.
CREATE TABLE landed_costs (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  receipt_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('freight', 'duty', 'other')),
  amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 100000000000),
  spread_by text NOT NULL CHECK (spread_by IN ('value', 'weight', 'quantity')),
  key text NOT NULL CHECK (length(key) BETWEEN 8 AND 200),
  by_id uuid NOT NULL REFERENCES people,
  at timestamptz NOT NULL,
  PRIMARY KEY (store_id, id),
  CONSTRAINT landed_costs_one_key UNIQUE (store_id, key),
  FOREIGN KEY (store_id, receipt_id) REFERENCES goods_receipts
);
CREATE INDEX landed_costs_by_receipt ON landed_costs (store_id, receipt_id);

CREATE TABLE landed_cost_shares (
  store_id uuid NOT NULL,
  landed_id uuid NOT NULL,
  line_no smallint NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
  to_stock_minor bigint NOT NULL,
  PRIMARY KEY (store_id, landed_id, line_no),
  FOREIGN KEY (store_id, landed_id) REFERENCES landed_costs,
  CONSTRAINT landed_cost_shares_to_stock CHECK (to_stock_minor BETWEEN 0 AND amount_minor)
);

CREATE TABLE supplier_bills (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  supplier_id uuid NOT NULL,
  bill_no text NOT NULL CHECK (length(bill_no) BETWEEN 1 AND 80),
  order_id uuid NOT NULL,
  billed_on date NOT NULL,
  due_on date NOT NULL,
  currency char(3) NOT NULL,
  goods_minor bigint NOT NULL CHECK (goods_minor >= 0),
  extra_minor bigint NOT NULL DEFAULT 0 CHECK (extra_minor >= 0),
  total_minor bigint NOT NULL CHECK (total_minor > 0),
  state text NOT NULL CHECK (state IN ('entered', 'disputed', 'approved', 'rejected')),
  differs boolean NOT NULL,
  entered_by uuid NOT NULL REFERENCES people,
  entered_at timestamptz NOT NULL,
  decided_by uuid REFERENCES people,
  decided_at timestamptz,
  reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 500),
  PRIMARY KEY (store_id, id),
  CONSTRAINT supplier_bills_once UNIQUE (store_id, supplier_id, bill_no),
  FOREIGN KEY (store_id, supplier_id) REFERENCES suppliers,
  FOREIGN KEY (store_id, order_id) REFERENCES purchase_orders,
  CONSTRAINT supplier_bills_due CHECK (due_on >= billed_on),
  CONSTRAINT supplier_bills_total CHECK (total_minor = goods_minor + extra_minor),
  CONSTRAINT supplier_bills_decided CHECK (
    (decided_at IS NULL) = (decided_by IS NULL) AND (state = 'entered' OR decided_at IS NOT NULL)),
  CONSTRAINT supplier_bills_second_person CHECK (
    NOT (state = 'approved' AND differs) OR (decided_by <> entered_by AND reason <> ''))
);
CREATE INDEX supplier_bills_by_state ON supplier_bills (store_id, state, entered_at DESC, id DESC);
CREATE INDEX supplier_bills_by_order ON supplier_bills (store_id, order_id);

CREATE TABLE supplier_bill_lines (
  store_id uuid NOT NULL,
  bill_id uuid NOT NULL,
  line_no smallint NOT NULL,
  quantity integer NOT NULL CHECK (quantity BETWEEN 1 AND 10000000),
  price_minor bigint NOT NULL CHECK (price_minor BETWEEN 0 AND 100000000000),
  PRIMARY KEY (store_id, bill_id, line_no),
  FOREIGN KEY (store_id, bill_id) REFERENCES supplier_bills
);

-- Goods that go back to a supplier. `credited`: units of them that were billed, so that money is owed
-- for them; the others are simply never billed.
CREATE TABLE supplier_returns (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  number text NOT NULL,
  order_id uuid NOT NULL,
  warehouse_id uuid NOT NULL,
  currency char(3) NOT NULL,
  total_minor bigint NOT NULL CHECK (total_minor >= 0),
  credit_minor bigint NOT NULL,
  reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
  key text NOT NULL CHECK (length(key) BETWEEN 8 AND 200),
  by_id uuid NOT NULL REFERENCES people,
  at timestamptz NOT NULL,
  PRIMARY KEY (store_id, id),
  CONSTRAINT supplier_returns_number UNIQUE (store_id, number),
  CONSTRAINT supplier_returns_one_key UNIQUE (store_id, key),
  FOREIGN KEY (store_id, warehouse_id) REFERENCES warehouses,
  FOREIGN KEY (store_id, order_id) REFERENCES purchase_orders,
  CONSTRAINT supplier_returns_credit CHECK (credit_minor BETWEEN 0 AND total_minor)
);
CREATE INDEX supplier_returns_by_time ON supplier_returns (store_id, at DESC, id DESC);

CREATE TABLE supplier_return_lines (
  store_id uuid NOT NULL,
  return_id uuid NOT NULL,
  line_no smallint NOT NULL,
  quantity integer NOT NULL CHECK (quantity > 0),
  credited integer NOT NULL,
  price_minor bigint NOT NULL CHECK (price_minor >= 0),
  PRIMARY KEY (store_id, return_id, line_no),
  FOREIGN KEY (store_id, return_id) REFERENCES supplier_returns,
  CONSTRAINT supplier_return_lines_credited CHECK (credited BETWEEN 0 AND quantity)
);

-- Money that went to a supplier, as it was told.
CREATE TABLE supplier_payments (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  supplier_id uuid NOT NULL,
  currency char(3) NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor BETWEEN 1 AND 100000000000),
  reference text NOT NULL CHECK (length(reference) BETWEEN 1 AND 80),
  by_id uuid NOT NULL REFERENCES people,
  at timestamptz NOT NULL,
  PRIMARY KEY (store_id, id),
  CONSTRAINT supplier_payments_once UNIQUE (store_id, supplier_id, reference),
  FOREIGN KEY (store_id, supplier_id) REFERENCES suppliers
);

-- What a supplier sent to buyers in a period, and what is owed for it.
CREATE TABLE dropship_statements (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  number text NOT NULL,
  supplier_id uuid NOT NULL,
  starts_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  currency char(3) NOT NULL,
  lines integer NOT NULL CHECK (lines > 0),
  total_minor bigint NOT NULL CHECK (total_minor >= 0),
  by_id uuid NOT NULL REFERENCES people,
  at timestamptz NOT NULL,
  PRIMARY KEY (store_id, id),
  CONSTRAINT dropship_statements_number UNIQUE (store_id, number),
  FOREIGN KEY (store_id, supplier_id) REFERENCES suppliers,
  CONSTRAINT dropship_statements_window CHECK (starts_at < ends_at)
);
CREATE INDEX dropship_statements_by_supplier ON dropship_statements (store_id, supplier_id, at DESC);

-- Order lines that a supplier sends to the buyer. `cost_minor`: of one unit, as agreed when it was sent
-- to the supplier. `accepted_at`: the supplier said that it will send it.
CREATE TABLE dropship_lines (
  store_id uuid NOT NULL,
  order_id uuid NOT NULL,
  line_no smallint NOT NULL,
  supplier_id uuid NOT NULL,
  sku_id uuid NOT NULL,
  quantity integer NOT NULL CHECK (quantity > 0),
  state text NOT NULL CHECK (state IN ('waiting', 'sent', 'shipped', 'refused', 'cancelled')),
  cost_minor bigint NOT NULL CHECK (cost_minor BETWEEN 0 AND 100000000000),
  made_at timestamptz NOT NULL,
  sent_at timestamptz,
  accepted_at timestamptz,
  answered_at timestamptz,
  package_id uuid,
  reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 500),
  statement_id uuid,
  PRIMARY KEY (store_id, order_id, line_no),
  FOREIGN KEY (store_id, order_id, line_no) REFERENCES order_lines,
  FOREIGN KEY (store_id, supplier_id) REFERENCES suppliers,
  FOREIGN KEY (store_id, statement_id) REFERENCES dropship_statements,
  CONSTRAINT dropship_lines_sent CHECK (state IN ('waiting', 'cancelled') OR sent_at IS NOT NULL),
  CONSTRAINT dropship_lines_shipped CHECK ((state = 'shipped') = (package_id IS NOT NULL)),
  CONSTRAINT dropship_lines_answered CHECK ((state IN ('shipped', 'refused')) =
    (answered_at IS NOT NULL)),
  CONSTRAINT dropship_lines_statement CHECK (statement_id IS NULL OR state = 'shipped')
);
CREATE INDEX dropship_lines_by_supplier ON dropship_lines (store_id, supplier_id, state, made_at);

-- What to order, as it was last reckoned: one row a SKU, with the figures behind it.
CREATE TABLE reorder_suggestions (
  store_id uuid NOT NULL,
  sku_id uuid NOT NULL,
  supplier_id uuid,
  quantity integer NOT NULL CHECK (quantity >= 0),
  free integer NOT NULL,
  on_order integer NOT NULL CHECK (on_order >= 0),
  figures jsonb NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (store_id, sku_id),
  FOREIGN KEY (store_id, sku_id) REFERENCES skus,
  FOREIGN KEY (store_id, supplier_id) REFERENCES suppliers
);
CREATE INDEX reorder_suggestions_by_quantity
  ON reorder_suggestions (store_id, quantity DESC, sku_id);

ALTER TABLE import_runs DROP CONSTRAINT import_runs_kind_check;
ALTER TABLE import_runs ADD CONSTRAINT import_runs_kind_check
  CHECK (kind IN ('feed', 'orders', 'purchase_orders', 'stock'));

-- what the app may do --------------------------------------------------------------------------------

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['goods_receipts', 'goods_receipt_lines', 'landed_costs',
    'landed_cost_shares', 'supplier_bill_lines', 'supplier_returns', 'supplier_return_lines',
    'supplier_payments', 'dropship_statements', 'purchase_terms', 'supplier_prices'] LOOP
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %I FROM dougong_app', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['suppliers', 'supplier_items', 'purchase_orders', 'supplier_bills',
    'dropship_lines', 'purchase_numbers'] LOOP
    EXECUTE format('REVOKE DELETE, TRUNCATE ON %I FROM dougong_app', t);
  END LOOP;
END $$;
GRANT UPDATE (in_force) ON purchase_terms TO dougong_app;
GRANT UPDATE (in_force) ON supplier_prices TO dougong_app;
