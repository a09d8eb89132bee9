-- live: rooms -------------------------------------------------------------------------------------

-- `keep_until`: by a term rule, as of when the room was made; evidence of a room stays that long.
-- `forgotten_at`: when it was deleted after that; its seals stay.
CREATE TABLE live_rooms (
  id uuid PRIMARY KEY,
  creator_id uuid NOT NULL REFERENCES organisations,
  title_zh text NOT NULL DEFAULT '' CHECK (length(title_zh) <= 120),
  title_en text NOT NULL DEFAULT '' CHECK (length(title_en) <= 120),
  cover_file text,
  state text NOT NULL DEFAULT 'scheduled' CHECK (state IN ('scheduled', 'live', 'paused', 'ended')),
  announced_for timestamptz NOT NULL,
  started_at timestamptz,
  paused_at timestamptz,
  ended_at timestamptz,
  end_reason text CHECK (end_reason IN ('creator', 'operator', 'silent', 'cancelled')),
  slow_mode_s integer NOT NULL DEFAULT 0 CHECK (slow_mode_s BETWEEN 0 AND 300),
  chat text NOT NULL DEFAULT 'open' CHECK (chat IN ('open', 'followers', 'closed')),
  keep_until timestamptz NOT NULL,
  forgotten_at timestamptz,
  replay_video_id uuid REFERENCES videos,
  made_at timestamptz NOT NULL,
  CONSTRAINT live_rooms_title CHECK (title_zh <> '' OR title_en <> ''),
  CONSTRAINT live_rooms_started CHECK (state = 'ended' OR (state = 'scheduled') = (started_at IS NULL)),
  CONSTRAINT live_rooms_paused CHECK (state <> 'paused' OR paused_at IS NOT NULL),
  CONSTRAINT live_rooms_ended CHECK ((state = 'ended') = (ended_at IS NOT NULL)
    AND (ended_at IS NULL) = (end_reason IS NULL)),
  CONSTRAINT live_rooms_cancelled CHECK (end_reason <> 'cancelled' OR started_at IS NULL),
  CONSTRAINT live_rooms_kept CHECK (keep_until > made_at),
  CONSTRAINT live_rooms_forgotten CHECK (forgotten_at IS NULL
    OR forgotten_at >= keep_until AND state = 'ended')
);
CREATE UNIQUE INDEX live_rooms_one_on_air ON live_rooms (creator_id) WHERE state IN ('live', 'paused');
CREATE INDEX live_rooms_by_creator ON live_rooms (creator_id, announced_for DESC);
CREATE INDEX live_rooms_standing ON live_rooms (state, announced_for) WHERE state <> 'ended';

-- Only the hash of a key is kept: who has read this table still cannot broadcast.
CREATE TABLE live_stream_keys (
  id uuid PRIMARY KEY,
  room_id uuid NOT NULL REFERENCES live_rooms,
  key_hash bytea NOT NULL UNIQUE CHECK (length(key_hash) = 32),
  made_by uuid NOT NULL REFERENCES people,
  made_at timestamptz NOT NULL,
  revoked_at timestamptz
);
CREATE INDEX live_stream_keys_by_room ON live_stream_keys (room_id);

-- `client`: a media server's own name of the connection, so that the end of one is not taken for
-- the end of another.
CREATE TABLE live_publishers (
  id uuid PRIMARY KEY,
  room_id uuid NOT NULL REFERENCES live_rooms,
  key_id uuid NOT NULL REFERENCES live_stream_keys,
  protocol text NOT NULL CHECK (protocol IN ('whip', 'rtmp')),
  client text NOT NULL DEFAULT '',
  started_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  ended_at timestamptz,
  end_reason text CHECK (end_reason <> ''),
  bitrate_bps bigint NOT NULL DEFAULT 0 CHECK (bitrate_bps >= 0),
  frames bigint NOT NULL DEFAULT 0 CHECK (frames >= 0),
  dropped bigint NOT NULL DEFAULT 0 CHECK (dropped >= 0),
  CONSTRAINT live_publishers_ended CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE UNIQUE INDEX live_publishers_one ON live_publishers (room_id) WHERE ended_at IS NULL;
CREATE INDEX live_publishers_by_room ON live_publishers (room_id, started_at);

CREATE TABLE live_reminders (
  room_id uuid NOT NULL REFERENCES live_rooms,
  person_id uuid NOT NULL REFERENCES people,
  at timestamptz NOT NULL,
  told_at timestamptz,
  PRIMARY KEY (room_id, person_id)
);
CREATE INDEX live_reminders_by_person ON live_reminders (person_id, told_at);

-- live: what is said ------------------------------------------------------------------------------

CREATE TABLE live_moderators (
  creator_id uuid NOT NULL REFERENCES organisations,
  person_id uuid NOT NULL REFERENCES people,
  added_at timestamptz NOT NULL,
  PRIMARY KEY (creator_id, person_id)
);

-- A word is kept in the form in which messages are compared with it: small letters, no spaces.
CREATE TABLE live_keywords (
  creator_id uuid NOT NULL REFERENCES organisations,
  word text NOT NULL CHECK (length(word) BETWEEN 1 AND 40 AND word = lower(word)),
  added_at timestamptz NOT NULL,
  PRIMARY KEY (creator_id, word)
);

-- Without `until_at`: for as long as the room lasts.
CREATE TABLE live_mutes (
  room_id uuid NOT NULL REFERENCES live_rooms,
  person_id uuid NOT NULL REFERENCES people,
  by_id uuid NOT NULL REFERENCES people,
  at timestamptz NOT NULL,
  until_at timestamptz CHECK (until_at > at),
  PRIMARY KEY (room_id, person_id)
);

-- `id` is derived from who said it and the key sent along: a message that is sent again is the same.
CREATE TABLE live_messages (
  room_id uuid NOT NULL REFERENCES live_rooms,
  id uuid NOT NULL,
  person_id uuid NOT NULL REFERENCES people,
  body text NOT NULL CHECK (length(body) BETWEEN 1 AND 200),
  at timestamptz NOT NULL,
  removed_at timestamptz,
  removed_by uuid REFERENCES people,
  removed_why text CHECK (removed_why <> ''),
  PRIMARY KEY (room_id, id),
  CONSTRAINT live_messages_removed CHECK ((removed_at IS NULL) = (removed_why IS NULL))
);
CREATE INDEX live_messages_newest ON live_messages (room_id, at DESC, id DESC);
CREATE INDEX live_messages_by_person ON live_messages (room_id, person_id, at DESC);

CREATE TABLE live_visits (
  room_id uuid NOT NULL REFERENCES live_rooms,
  id uuid NOT NULL,
  visitor text NOT NULL,
  person_id uuid REFERENCES people,
  came_from text NOT NULL
    CHECK (came_from IN ('follow', 'feed', 'search', 'share', 'paid', 'unknown')),
  joined_at timestamptz NOT NULL,
  left_at timestamptz CHECK (left_at >= joined_at),
  PRIMARY KEY (room_id, id)
);
CREATE INDEX live_visits_by_time ON live_visits (room_id, joined_at);
CREATE INDEX live_visits_by_person ON live_visits (room_id, person_id, joined_at DESC)
  WHERE person_id IS NOT NULL;
CREATE INDEX live_visits_inside ON live_visits (room_id) WHERE left_at IS NULL;

-- `viewers`: the most at one moment of that minute; the others are counts of it.
CREATE TABLE live_minutes (
  room_id uuid NOT NULL REFERENCES live_rooms,
  minute timestamptz NOT NULL CHECK (minute = date_trunc('minute', minute, 'UTC')),
  viewers integer NOT NULL DEFAULT 0 CHECK (viewers >= 0),
  joined integer NOT NULL DEFAULT 0 CHECK (joined >= 0),
  messages integer NOT NULL DEFAULT 0 CHECK (messages >= 0),
  likes integer NOT NULL DEFAULT 0 CHECK (likes >= 0),
  PRIMARY KEY (room_id, minute)
);

-- live: what was shown, as evidence ---------------------------------------------------------------

-- What was pinned ("now explaining"), with what stood on the card when it was.
CREATE TABLE live_explanations (
  id uuid PRIMARY KEY,
  room_id uuid NOT NULL REFERENCES live_rooms,
  link_id uuid NOT NULL REFERENCES product_links,
  source text NOT NULL CONSTRAINT live_explanations_source CHECK (source <> ''),
  store_id uuid REFERENCES stores,
  product_id uuid,
  outside_product_id uuid REFERENCES outside_products,
  route text NOT NULL CHECK (route IN ('direct', 'task')),
  task_id uuid,
  verdict_rule_id uuid,
  price_minor bigint CHECK (price_minor >= 0),
  currency char(3),
  stock integer CHECK (stock >= 0),
  viewers integer NOT NULL CHECK (viewers >= 0),
  started_at timestamptz NOT NULL,
  ended_at timestamptz,
  end_reason text CHECK (end_reason IN ('next', 'unpinned', 'room_ended', 'rule')),
  CONSTRAINT live_explanations_product FOREIGN KEY (store_id, product_id) REFERENCES products,
  CONSTRAINT live_explanations_own_or_outside
    CHECK ((store_id IS NULL) <> (outside_product_id IS NULL)),
  CONSTRAINT live_explanations_store_product CHECK ((store_id IS NULL) = (product_id IS NULL)),
  CONSTRAINT live_explanations_task CHECK ((route = 'task') = (task_id IS NOT NULL)),
  CONSTRAINT live_explanations_price CHECK ((price_minor IS NULL) = (currency IS NULL)),
  CONSTRAINT live_explanations_ended CHECK (ended_at >= started_at
    AND (ended_at IS NULL) = (end_reason IS NULL))
);
CREATE UNIQUE INDEX live_explanations_one ON live_explanations (room_id) WHERE ended_at IS NULL;
CREATE INDEX live_explanations_by_room ON live_explanations (room_id, started_at);
CREATE INDEX live_explanations_by_link ON live_explanations (link_id, started_at);

-- Each link of the live cart while on air; a new row whenever price, stock or verdict change.
CREATE TABLE live_shelf_facts (
  id uuid PRIMARY KEY,
  room_id uuid NOT NULL REFERENCES live_rooms,
  link_id uuid NOT NULL REFERENCES product_links,
  allowed boolean NOT NULL,
  verdict_rule_id uuid,
  price_minor bigint CHECK (price_minor >= 0),
  currency char(3),
  stock integer CHECK (stock >= 0),
  started_at timestamptz NOT NULL,
  ended_at timestamptz CONSTRAINT live_shelf_facts_ended CHECK (ended_at >= started_at),
  CONSTRAINT live_shelf_facts_price CHECK ((price_minor IS NULL) = (currency IS NULL))
);
CREATE UNIQUE INDEX live_shelf_facts_one ON live_shelf_facts (room_id, link_id) WHERE ended_at IS NULL;
CREATE INDEX live_shelf_facts_by_room ON live_shelf_facts (room_id, started_at);

-- live: flash offers, coupon drops, draws ---------------------------------------------------------

CREATE TABLE live_offers (
  store_id uuid NOT NULL,
  id uuid NOT NULL,
  room_id uuid NOT NULL REFERENCES live_rooms,
  link_id uuid NOT NULL REFERENCES product_links,
  product_id uuid NOT NULL,
  sku_id uuid NOT NULL,
  price_minor bigint NOT NULL CHECK (price_minor > 0),
  currency char(3) NOT NULL,
  quota integer NOT NULL CHECK (quota > 0),
  sold integer NOT NULL DEFAULT 0,
  per_buyer integer NOT NULL CHECK (per_buyer > 0),
  starts_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  stopped_at timestamptz,
  PRIMARY KEY (store_id, id),
  CONSTRAINT live_offers_product FOREIGN KEY (store_id, product_id) REFERENCES products,
  CONSTRAINT live_offers_sku FOREIGN KEY (store_id, sku_id) REFERENCES skus,
  CONSTRAINT live_offers_within_quota CHECK (sold BETWEEN 0 AND quota),
  CONSTRAINT live_offers_window CHECK (ends_at > starts_at)
);
CREATE INDEX live_offers_by_sku ON live_offers (store_id, sku_id, starts_at);
CREATE INDEX live_offers_by_room ON live_offers (room_id, starts_at);

CREATE TABLE live_offer_uses (
  store_id uuid NOT NULL,
  offer_id uuid NOT NULL,
  order_id uuid NOT NULL,
  buyer_id uuid NOT NULL,
  quantity integer NOT NULL CHECK (quantity > 0),
  released_at timestamptz,
  PRIMARY KEY (store_id, offer_id, order_id),
  CONSTRAINT live_offer_uses_offer FOREIGN KEY (store_id, offer_id) REFERENCES live_offers
);
CREATE INDEX live_offer_uses_by_buyer ON live_offer_uses (store_id, offer_id, buyer_id)
  WHERE released_at IS NULL;
CREATE INDEX live_offer_uses_by_order ON live_offer_uses (store_id, order_id);

CREATE TABLE live_coupon_drops (
  id uuid PRIMARY KEY,
  room_id uuid NOT NULL REFERENCES live_rooms,
  store_id uuid NOT NULL,
  coupon_id uuid NOT NULL,
  quota integer NOT NULL CHECK (quota > 0),
  taken integer NOT NULL DEFAULT 0,
  dropped_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  CONSTRAINT live_coupon_drops_coupon FOREIGN KEY (store_id, coupon_id) REFERENCES coupons,
  CONSTRAINT live_coupon_drops_within_quota CHECK (taken BETWEEN 0 AND quota),
  CONSTRAINT live_coupon_drops_window CHECK (ends_at > dropped_at)
);
CREATE INDEX live_coupon_drops_by_room ON live_coupon_drops (room_id, dropped_at);

CREATE TABLE live_coupon_claims (
  drop_id uuid NOT NULL REFERENCES live_coupon_drops,
  person_id uuid NOT NULL REFERENCES people,
  at timestamptz NOT NULL,
  PRIMARY KEY (drop_id, person_id)
);

-- The hash of the seed is told when a draw opens, the seed itself when it is drawn.
CREATE TABLE live_draws (
  id uuid PRIMARY KEY,
  room_id uuid NOT NULL REFERENCES live_rooms,
  prize_zh text NOT NULL DEFAULT '',
  prize_en text NOT NULL DEFAULT '',
  winners integer NOT NULL CHECK (winners BETWEEN 1 AND 1000),
  seed_hash bytea NOT NULL CONSTRAINT live_draws_seed_hash CHECK (length(seed_hash) = 32),
  seed bytea CONSTRAINT live_draws_seed CHECK (sha256(seed) = seed_hash),
  entropy bytea,
  opens_at timestamptz NOT NULL,
  closes_at timestamptz NOT NULL,
  drawn_at timestamptz,
  entrants integer CHECK (entrants >= 0),
  CONSTRAINT live_draws_prize CHECK (prize_zh <> '' OR prize_en <> ''),
  CONSTRAINT live_draws_window CHECK (closes_at > opens_at),
  CONSTRAINT live_draws_drawn CHECK (drawn_at IS NULL
    OR num_nulls(seed, entropy, entrants) = 0 AND drawn_at >= closes_at)
);
CREATE INDEX live_draws_by_room ON live_draws (room_id, opens_at);

CREATE TABLE live_draw_entries (
  draw_id uuid NOT NULL REFERENCES live_draws,
  person_id uuid NOT NULL REFERENCES people,
  at timestamptz NOT NULL,
  won boolean NOT NULL DEFAULT false,
  PRIMARY KEY (draw_id, person_id)
);

-- A chain over what has ended in a room: each hash takes in the one before and `contents`, the hash
-- of the facts, which stays when the facts themselves are deleted after their time.
CREATE TABLE live_seals (
  room_id uuid NOT NULL REFERENCES live_rooms,
  number integer NOT NULL CHECK (number > 0),
  sealed_at timestamptz NOT NULL,
  upto timestamptz NOT NULL,
  facts integer NOT NULL CHECK (facts >= 0),
  contents bytea NOT NULL CHECK (length(contents) = 32),
  hash bytea NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (room_id, number)
);

ALTER TABLE deadlines DROP CONSTRAINT deadlines_kind_check, ADD CONSTRAINT deadlines_kind_check
  CHECK (kind IN ('pay_by', 'receive_by', 'final_at', 'offer_expires', 'round_ends')
    OR kind ~ '^live_[a-z_]+$');

-- what the app may do -----------------------------------------------------------------------------

-- Evidence goes when its room's time is over, by the business clock, and not a day before.
CREATE FUNCTION keep_until_its_time() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
  IF EXISTS (SELECT FROM live_rooms r WHERE r.id = OLD.room_id AND (r.state <> 'ended'
    OR r.keep_until > clock_timestamp()
      + COALESCE((SELECT make_interval(secs => offset_s) FROM business_clock), interval '0')))
  THEN RAISE EXCEPTION 'evidence is kept: % on % is refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'integrity_constraint_violation'; END IF;
  RETURN OLD; END $$;

-- Evidence ends once, and says as long as it is there what it said.
CREATE FUNCTION keep_evidence() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
  IF OLD.ended_at IS NOT NULL
    OR to_jsonb(OLD) - 'ended_at' - 'end_reason' IS DISTINCT FROM
      to_jsonb(NEW) - 'ended_at' - 'end_reason'
  THEN RAISE EXCEPTION 'evidence is kept: % on % is refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'integrity_constraint_violation'; END IF;
  RETURN NEW; END $$;
CREATE TRIGGER keep_evidence BEFORE UPDATE ON live_explanations
  FOR EACH ROW EXECUTE FUNCTION keep_evidence();
CREATE TRIGGER keep_evidence BEFORE UPDATE ON live_shelf_facts
  FOR EACH ROW EXECUTE FUNCTION keep_evidence();
CREATE TRIGGER keep_seal BEFORE UPDATE OR DELETE ON live_seals
  FOR EACH ROW EXECUTE FUNCTION refuse_change();

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['live_explanations', 'live_shelf_facts', 'live_minutes', 'live_visits',
    'live_messages', 'live_draws'] LOOP
    EXECUTE format('CREATE TRIGGER keep_until_its_time BEFORE DELETE ON %I
      FOR EACH ROW EXECUTE FUNCTION keep_until_its_time()', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['live_explanations', 'live_shelf_facts', 'live_seals'] LOOP
    EXECUTE format('CREATE TRIGGER keep_all BEFORE TRUNCATE ON %I
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['live_rooms', 'live_publishers', 'live_minutes'] LOOP
    EXECUTE format('REVOKE DELETE, TRUNCATE ON %I FROM dougong_app', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['live_stream_keys', 'live_messages', 'live_visits', 'live_explanations',
    'live_shelf_facts', 'live_offers', 'live_offer_uses', 'live_coupon_drops', 'live_coupon_claims',
    'live_draws', 'live_draw_entries', 'live_seals'] LOOP
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %I FROM dougong_app', t);
  END LOOP;
END $$;
GRANT UPDATE (revoked_at) ON live_stream_keys TO dougong_app;
GRANT UPDATE (removed_at, removed_by, removed_why) ON live_messages TO dougong_app;
GRANT UPDATE (left_at) ON live_visits TO dougong_app;
GRANT UPDATE (ended_at, end_reason) ON live_explanations TO dougong_app;
GRANT UPDATE (ended_at) ON live_shelf_facts TO dougong_app;
GRANT UPDATE (sold, stopped_at) ON live_offers TO dougong_app;
GRANT UPDATE (released_at) ON live_offer_uses TO dougong_app;
GRANT UPDATE (taken, ends_at) ON live_coupon_drops TO dougong_app;
GRANT UPDATE (seed, entropy, drawn_at, entrants) ON live_draws TO dougong_app;
GRANT UPDATE (won) ON live_draw_entries TO dougong_app;

-- The one way in which the app deletes evidence: a whole room's, when its time is over.
CREATE FUNCTION forget_live_room(room uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS
$$ BEGIN
  DELETE FROM live_explanations WHERE room_id = room;
  DELETE FROM live_shelf_facts WHERE room_id = room;
  DELETE FROM live_minutes WHERE room_id = room;
  DELETE FROM live_visits WHERE room_id = room;
  DELETE FROM live_messages WHERE room_id = room;
  DELETE FROM live_draw_entries WHERE draw_id IN (SELECT id FROM live_draws WHERE room_id = room);
  DELETE FROM live_draws WHERE room_id = room;
END $$;
REVOKE ALL ON FUNCTION forget_live_room(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_live_room(uuid) TO dougong_app;
