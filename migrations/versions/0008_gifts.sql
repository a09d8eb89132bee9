-- payments: what is paid in, for something else than orders ------------------------------------------

-- Its payments have its id as their checkout. `owner_id`: whose money it becomes, an organisation's or
-- a person's. `payment_id`: the payment that brought it.
CREATE TABLE pay_ins (
  id uuid PRIMARY KEY,
  purpose text NOT NULL CHECK (purpose IN ('coins', 'funds')),
  owner_id uuid NOT NULL,
  payer_id uuid NOT NULL REFERENCES people,
  idempotency_key text NOT NULL CHECK (idempotency_key <> ''),
  currency char(3) NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  asked_at timestamptz NOT NULL,
  payment_id uuid REFERENCES payments,
  booked_at timestamptz,
  CONSTRAINT pay_ins_one_key UNIQUE (payer_id, idempotency_key),
  CHECK ((payment_id IS NULL) = (booked_at IS NULL))
);
CREATE INDEX pay_ins_by_owner ON pay_ins (owner_id, asked_at DESC, id DESC);

-- what the app may do --------------------------------------------------------------------------------

REVOKE UPDATE, DELETE, TRUNCATE ON pay_ins FROM dougong_app;
GRANT UPDATE (payment_id, booked_at) ON pay_ins TO dougong_app;
