-- payments: what is paid in, for something else than orders ------------------------------------------

-- Its payments have its id as their checkout. `owner_id`: whose money it becomes, an organisation's or
-- a person's. `subject_id`: the coin pack. `payment_id`: the payment that brought it.
CREATE TABLE pay_ins (
  id uuid PRIMARY KEY,
  purpose text NOT NULL CHECK (purpose IN ('coins', 'funds', 'deposit')),
  owner_id uuid NOT NULL,
  subject_id uuid,
  payer_id uuid NOT NULL REFERENCES people,
  idempotency_key text NOT NULL CHECK (idempotency_key <> ''),
  currency char(3) NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  asked_at timestamptz NOT NULL,
  payment_id uuid REFERENCES payments,
  booked_at timestamptz,
  CONSTRAINT pay_ins_one_key UNIQUE (payer_id, idempotency_key),
  CHECK ((payment_id IS NULL) = (booked_at IS NULL)),
  CONSTRAINT pay_ins_subject CHECK ((purpose = 'coins') = (subject_id IS NOT NULL))
);
CREATE INDEX pay_ins_by_owner ON pay_ins (owner_id, asked_at DESC, id DESC);

-- What is left of a pay-in goes back by a refund in the platform's own book: its "order" is the pay-in.
CREATE FUNCTION refers_to_what_was_paid() RETURNS trigger LANGUAGE plpgsql
  SET enable_seqscan = off SET enable_sort = off SET enable_incremental_sort = off AS
$$ BEGIN
  IF EXISTS (SELECT FROM added a
    WHERE (SELECT true FROM public.orders r
      WHERE (r.store_id, r.id) BETWEEN (a.store_id, a.order_id) AND (a.store_id, a.order_id)
      ORDER BY r.store_id, r.id LIMIT 1) IS NULL
    AND NOT (a.store_id = '00000000-0000-7000-8000-000000000001'
      AND EXISTS (SELECT FROM public.pay_ins i WHERE i.id = a.order_id)))
  THEN PERFORM public.refuse_reference(TG_NAME, TG_TABLE_NAME); END IF;
  RETURN NULL;
END $$;
DROP TRIGGER refunds_order ON refunds;
CREATE TRIGGER refunds_order AFTER INSERT ON refunds REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION refers_to_what_was_paid();

-- gifts ----------------------------------------------------------------------------------------------

-- What a pack holds and costs is never changed: another pack takes its place.
CREATE TABLE coin_packs (
  id uuid PRIMARY KEY,
  coins integer NOT NULL CHECK (coins BETWEEN 1 AND 10000000),
  price_minor bigint NOT NULL CHECK (price_minor > 0),
  currency char(3) NOT NULL,
  made_at timestamptz NOT NULL,
  ended_at timestamptz
);

-- The coins of one purchase, oldest given away first. `used` of them are gone, with `used_minor` of
-- what was paid. `market`: the country in which it was bought.
CREATE TABLE coin_lots (
  person_id uuid NOT NULL REFERENCES people,
  pay_in_id uuid NOT NULL REFERENCES pay_ins,
  pack_id uuid NOT NULL REFERENCES coin_packs,
  coins integer NOT NULL CHECK (coins > 0),
  used integer NOT NULL DEFAULT 0,
  price_minor bigint NOT NULL CHECK (price_minor > 0),
  used_minor bigint NOT NULL DEFAULT 0,
  currency char(3) NOT NULL,
  market text NOT NULL CHECK (market ~ '^[A-Z]{2}$'),
  bought_at timestamptz NOT NULL,
  PRIMARY KEY (person_id, pay_in_id),
  CONSTRAINT coin_lots_once UNIQUE (pay_in_id),
  CONSTRAINT coin_lots_used CHECK (used BETWEEN 0 AND coins),
  CONSTRAINT coin_lots_used_minor CHECK (used_minor BETWEEN 0 AND price_minor),
  CONSTRAINT coin_lots_used_up CHECK (used < coins OR used_minor = price_minor)
);

CREATE TABLE gift_kinds (
  code text PRIMARY KEY CHECK (code ~ '^[a-z][a-z0-9_]{1,30}$'),
  name_zh text NOT NULL CHECK (name_zh <> ''),
  name_en text NOT NULL CHECK (name_en <> ''),
  coins integer NOT NULL CHECK (coins BETWEEN 1 AND 1000000),
  animation text NOT NULL DEFAULT 'float' CHECK (animation IN ('float', 'burst', 'fly', 'rain')),
  icon text NOT NULL DEFAULT 'gift',
  made_at timestamptz NOT NULL,
  ended_at timestamptz
);

-- How many coins a person of an age may give on one day, by date.
CREATE TABLE gift_limits (
  id uuid PRIMARY KEY,
  from_age smallint NOT NULL CHECK (from_age BETWEEN 0 AND 120),
  coins_per_day integer NOT NULL CHECK (coins_per_day >= 0),
  in_force tstzrange NOT NULL
    CHECK (NOT isempty(in_force) AND lower_inc(in_force) AND NOT upper_inc(in_force)),
  reason_zh text NOT NULL,
  reason_en text NOT NULL,
  citation text NOT NULL DEFAULT '',
  CONSTRAINT gift_limits_no_overlap EXCLUDE USING gist (from_age WITH =, in_force WITH &&)
);

CREATE TABLE gift_people (
  person_id uuid PRIMARY KEY REFERENCES people,
  born_on date NOT NULL CHECK (born_on BETWEEN '1900-01-01' AND '2100-01-01'),
  said_at timestamptz NOT NULL
);

-- `value_minor`: what the giver had paid for these coins. The fee's rule is frozen on it.
CREATE TABLE gifts (
  id uuid PRIMARY KEY,
  room_id uuid NOT NULL,
  person_id uuid NOT NULL REFERENCES people,
  creator_id uuid NOT NULL REFERENCES organisations,
  kind text NOT NULL REFERENCES gift_kinds,
  count smallint NOT NULL CHECK (count BETWEEN 1 AND 999),
  coins integer NOT NULL CHECK (coins > 0),
  currency char(3) NOT NULL,
  value_minor bigint NOT NULL CHECK (value_minor >= 0),
  platform_minor bigint NOT NULL CHECK (platform_minor >= 0),
  creator_minor bigint NOT NULL CHECK (creator_minor >= 0),
  fee_bp integer NOT NULL CHECK (fee_bp BETWEEN 0 AND 10000),
  fee_rule_id uuid,
  idempotency_key text NOT NULL CHECK (idempotency_key <> ''),
  given_at timestamptz NOT NULL,
  reversed_at timestamptz,
  reversed_by uuid,
  reversal_reason text,
  CONSTRAINT gifts_one_key UNIQUE (person_id, idempotency_key),
  CONSTRAINT gifts_shared CHECK (platform_minor + creator_minor = value_minor),
  CONSTRAINT gifts_reversed CHECK ((reversed_at IS NULL) = (reversal_reason IS NULL))
);
CREATE INDEX gifts_by_person ON gifts (person_id, given_at);
CREATE INDEX gifts_by_room ON gifts (room_id, given_at);
CREATE INDEX gifts_by_creator ON gifts (creator_id, given_at);
CREATE INDEX gifts_by_time ON gifts (given_at);

CREATE TABLE gift_uses (
  gift_id uuid NOT NULL REFERENCES gifts,
  pay_in_id uuid NOT NULL REFERENCES pay_ins,
  coins integer NOT NULL CHECK (coins > 0),
  value_minor bigint NOT NULL CHECK (value_minor >= 0),
  PRIMARY KEY (gift_id, pay_in_id)
);

-- What other apps took in a month in a market, as somebody outside counted it.
CREATE TABLE app_revenue_rows (
  month date NOT NULL CHECK (extract(day FROM month) = 1),
  market text NOT NULL CHECK (market <> ''),
  app text NOT NULL CHECK (app <> ''),
  currency char(3) NOT NULL,
  revenue_minor bigint NOT NULL CHECK (revenue_minor >= 0),
  source text NOT NULL DEFAULT '',
  read_at timestamptz NOT NULL,
  PRIMARY KEY (month, market, app)
);

INSERT INTO gift_limits (id, from_age, coins_per_day, in_force, reason_zh, reason_en, citation) VALUES
  ('00000000-0000-4000-8000-0000000001a0', 0, 0, '[2018-01-01T00:00:00Z,)',
   '未成年人不得打赏', 'Minors give nothing', '国家广播电视总局等《关于规范网络直播打赏 加强未成年人保护的意见》'),
  ('00000000-0000-4000-8000-0000000001a1', 18, 100000, '[2018-01-01T00:00:00Z,)',
   '成年人每日打赏上限', 'What an adult may give on one day', '');

-- what the app may do --------------------------------------------------------------------------------

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['pay_ins', 'coin_packs', 'coin_lots', 'gifts', 'gift_uses', 'gift_limits',
    'gift_people'] LOOP
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %I FROM dougong_app', t);
  END LOOP;
END $$;
GRANT UPDATE (payment_id, booked_at) ON pay_ins TO dougong_app;
GRANT UPDATE (ended_at) ON coin_packs TO dougong_app;
GRANT UPDATE (used, used_minor) ON coin_lots TO dougong_app;
GRANT UPDATE (reversed_at, reversed_by, reversal_reason) ON gifts TO dougong_app;
GRANT UPDATE (in_force) ON gift_limits TO dougong_app;
GRANT UPDATE (born_on, said_at) ON gift_people TO dougong_app;
