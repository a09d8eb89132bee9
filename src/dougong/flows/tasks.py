"""Registers every job of the platform: import this where jobs are run or deferred."""

import dougong.flows.choose_carrier
import dougong.flows.count_round
import dougong.flows.deadlines
import dougong.flows.deliver_webhooks
import dougong.flows.end_quotas
import dougong.flows.expire_batches
import dougong.flows.feed_images
import dougong.flows.import_feed
import dougong.flows.import_purchase_orders
import dougong.flows.import_receipts
import dougong.flows.import_stock
import dougong.flows.insure_freight
import dougong.flows.keep_buyer_scores
import dougong.flows.keep_scores
import dougong.flows.make_replay
import dougong.flows.outside_images
import dougong.flows.payment_arrived
import dougong.flows.payout_files
import dougong.flows.payout_runs
import dougong.flows.process_video
import dougong.flows.recheck_links
import dougong.flows.reconcile
import dougong.flows.report_arrived
import dougong.flows.resolve_unallocated
import dougong.flows.seal_books
import dougong.flows.send_refunds
import dougong.flows.serve_waiting
import dougong.flows.ship_promise
import dougong.flows.suggest_orders
import dougong.flows.sweep_links
import dougong.flows.tell_bank
import dougong.flows.waybills
import dougong.infra.limits
import dougong.infra.stalled_jobs  # noqa: F401
