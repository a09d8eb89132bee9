"""Every handler of the application, one line per file. A file lists its own as HANDLERS."""

from litestar.handlers import HTTPRouteHandler

from dougong.web import (
    allowed,
    explain,
    explain_payee,
    gateways,
    health,
    language,
    live_media,
    payee_payouts,
    ucp,
    videos,
    whip,
)
from dougong.web.account import addresses as account_addresses
from dougong.web.account import enter as account_enter
from dougong.web.account import keys as account_keys
from dougong.web.account import members as account_members
from dougong.web.account import roles as account_roles
from dougong.web.account import safety as account_safety
from dougong.web.account import sign_in as account_sign_in
from dougong.web.api import agreements as api_agreements
from dougong.web.api import brand_briefs as api_brand_briefs
from dougong.web.api import brand_tasks as api_brand_tasks
from dougong.web.api import buyer_cases as api_buyer_cases
from dougong.web.api import carriers as api_carriers
from dougong.web.api import catalogue as api_catalogue
from dougong.web.api import catalogue_files as api_catalogue_files
from dougong.web.api import catalogue_public as api_catalogue_public
from dougong.web.api import content as api_content
from dougong.web.api import creator_tasks as api_creator_tasks
from dougong.web.api import dropshipping as api_dropshipping
from dougong.web.api import explain as api_explain
from dougong.web.api import fulfilment as api_fulfilment
from dougong.web.api import governance as api_governance
from dougong.web.api import hand_overs as api_hand_overs
from dougong.web.api import live as api_live
from dougong.web.api import live_manage as api_live_manage
from dougong.web.api import orders as api_orders
from dougong.web.api import packages as api_packages
from dougong.web.api import payee_payouts as api_payee_payouts
from dougong.web.api import payout_desk as api_payout_desk
from dougong.web.api import policy as api_policy
from dougong.web.api import purchases as api_purchases
from dougong.web.api import receipts as api_receipts
from dougong.web.api import referrals as api_referrals
from dougong.web.api import sessions as api_sessions
from dougong.web.api import shopping as api_shopping
from dougong.web.api import standing as api_standing
from dougong.web.api import stock as api_stock
from dougong.web.api import stock_counts as api_stock_counts
from dougong.web.api import stock_values as api_stock_values
from dougong.web.api import store_cases as api_store_cases
from dougong.web.api import store_orders as api_store_orders
from dougong.web.api import stores as api_stores
from dougong.web.api import supplier_bills as api_supplier_bills
from dougong.web.api import suppliers as api_suppliers
from dougong.web.api import webhooks as api_webhooks
from dougong.web.brand import briefs as brand_briefs
from dougong.web.brand import funds as brand_funds
from dougong.web.brand import works as brand_works
from dougong.web.cases import buyer as cases_buyer
from dougong.web.cases import merchant as cases_merchant
from dougong.web.cases import operator as cases_operator
from dougong.web.cases import own_rules as cases_own_rules
from dougong.web.cases import scores as cases_scores
from dougong.web.creator import agency as creator_agency
from dougong.web.creator import channels as creator_channels
from dougong.web.creator import composer as creator_composer
from dougong.web.creator import earnings as creator_earnings
from dougong.web.creator import links as creator_links
from dougong.web.creator import live_publish as creator_live_publish
from dougong.web.creator import live_rooms as creator_live_rooms
from dougong.web.creator import live_selling as creator_live_selling
from dougong.web.creator import tasks as creator_tasks
from dougong.web.creator import uploads as creator_uploads
from dougong.web.creator import videos as creator_videos
from dougong.web.live import board as live_board
from dougong.web.live import pages as live_pages
from dougong.web.merchant import bills as merchant_bills
from dougong.web.merchant import carriers as merchant_carriers
from dougong.web.merchant import counts as merchant_counts
from dougong.web.merchant import coupons as merchant_coupons
from dougong.web.merchant import dropship as merchant_dropship
from dougong.web.merchant import expiring as merchant_expiring
from dougong.web.merchant import fulfilment as merchant_fulfilment
from dougong.web.merchant import imports as merchant_imports
from dougong.web.merchant import insurance as merchant_insurance
from dougong.web.merchant import money as merchant_money
from dougong.web.merchant import orders as merchant_orders
from dougong.web.merchant import product_editor as merchant_product_editor
from dougong.web.merchant import products as merchant_products
from dougong.web.merchant import purchase as merchant_purchase
from dougong.web.merchant import purchase_editor as merchant_purchase_editor
from dougong.web.merchant import purchase_files as merchant_purchase_files
from dougong.web.merchant import purchase_imports as merchant_purchase_imports
from dougong.web.merchant import purchasing as merchant_purchasing
from dougong.web.merchant import quotas as merchant_quotas
from dougong.web.merchant import settings as merchant_settings
from dougong.web.merchant import shipping as merchant_shipping
from dougong.web.merchant import standing as merchant_standing
from dougong.web.merchant import stock as merchant_stock
from dougong.web.merchant import stock_imports as merchant_stock_imports
from dougong.web.merchant import stock_sku as merchant_stock_sku
from dougong.web.merchant import stock_values as merchant_stock_values
from dougong.web.merchant import stores as merchant_stores
from dougong.web.merchant import suggestions as merchant_suggestions
from dougong.web.merchant import supplier_money as merchant_supplier_money
from dougong.web.merchant import supplier_page as merchant_supplier_page
from dougong.web.merchant import suppliers as merchant_suppliers
from dougong.web.merchant import transfers as merchant_transfers
from dougong.web.merchant import waiting as merchant_waiting
from dougong.web.merchant import warehouses as merchant_warehouses
from dougong.web.merchant import waves as merchant_waves
from dougong.web.merchant import webhooks as merchant_webhooks
from dougong.web.operator import app_revenue as operator_app_revenue
from dougong.web.operator import audit as operator_audit
from dougong.web.operator import categories as operator_categories
from dougong.web.operator import channels as operator_channels
from dougong.web.operator import gifts as operator_gifts
from dougong.web.operator import insurance as operator_insurance
from dougong.web.operator import jobs as operator_jobs
from dougong.web.operator import ledger as operator_ledger
from dougong.web.operator import live_wall as operator_live_wall
from dougong.web.operator import orders as operator_orders
from dougong.web.operator import overview as operator_overview
from dougong.web.operator import payout_accounts as operator_payout_accounts
from dougong.web.operator import payouts as operator_payouts
from dougong.web.operator import people as operator_people
from dougong.web.operator import reconciliation as operator_reconciliation
from dougong.web.operator import reconciliation_case as operator_reconciliation_case
from dougong.web.operator import referral_precedence as operator_referral_precedence
from dougong.web.operator import referral_reports as operator_referral_reports
from dougong.web.operator import referrals as operator_referrals
from dougong.web.operator import refunds as operator_refunds
from dougong.web.operator import reports as operator_reports
from dougong.web.operator import rounds as operator_rounds
from dougong.web.operator import rule_case as operator_rule_case
from dougong.web.operator import rule_impact as operator_rule_impact
from dougong.web.operator import rules as operator_rules
from dougong.web.operator import sources as operator_sources
from dougong.web.operator import standing as operator_standing
from dougong.web.operator import standing_rules as operator_standing_rules
from dougong.web.operator import tasks as operator_tasks
from dougong.web.operator import unallocated as operator_unallocated
from dougong.web.partner import differences as partner_differences
from dougong.web.partner import rounds as partner_rounds
from dougong.web.shopper import cart as shopper_cart
from dougong.web.shopper import checkout as shopper_checkout
from dougong.web.shopper import coins as shopper_coins
from dougong.web.shopper import feed as shopper_feed
from dougong.web.shopper import go as shopper_go
from dougong.web.shopper import live_taking as shopper_live_taking
from dougong.web.shopper import me as shopper_me
from dougong.web.shopper import orders as shopper_orders
from dougong.web.shopper import products as shopper_products
from dougong.web.shopper import share as shopper_share
from dougong.web.supplier import page as supplier_own_page
from dougong.web.work import count as work_count
from dougong.web.work import home as work_home
from dougong.web.work import pack as work_pack
from dougong.web.work import pick as work_pick
from dougong.web.work import receive as work_receive

HANDLERS: list[HTTPRouteHandler] = [
    *account_addresses.HANDLERS,
    *account_enter.HANDLERS,
    *account_keys.HANDLERS,
    *account_members.HANDLERS,
    *account_roles.HANDLERS,
    *account_safety.HANDLERS,
    *account_sign_in.HANDLERS,
    *api_agreements.HANDLERS,
    *api_brand_briefs.HANDLERS,
    *api_brand_tasks.HANDLERS,
    *api_buyer_cases.HANDLERS,
    *api_carriers.HANDLERS,
    *api_catalogue.HANDLERS,
    *api_catalogue_files.HANDLERS,
    *api_catalogue_public.HANDLERS,
    *api_content.HANDLERS,
    *api_creator_tasks.HANDLERS,
    *api_dropshipping.HANDLERS,
    *api_explain.HANDLERS,
    *api_fulfilment.HANDLERS,
    *api_governance.HANDLERS,
    *api_hand_overs.HANDLERS,
    *api_live.HANDLERS,
    *api_live_manage.HANDLERS,
    *api_orders.HANDLERS,
    *api_packages.HANDLERS,
    *api_payee_payouts.HANDLERS,
    *api_payout_desk.HANDLERS,
    *api_policy.HANDLERS,
    *api_purchases.HANDLERS,
    *api_receipts.HANDLERS,
    *api_referrals.HANDLERS,
    *api_sessions.HANDLERS,
    *api_shopping.HANDLERS,
    *api_standing.HANDLERS,
    *api_stock.HANDLERS,
    *api_stock_counts.HANDLERS,
    *api_stock_values.HANDLERS,
    *api_store_cases.HANDLERS,
    *api_store_orders.HANDLERS,
    *api_stores.HANDLERS,
    *api_supplier_bills.HANDLERS,
    *api_suppliers.HANDLERS,
    *api_webhooks.HANDLERS,
    *brand_briefs.HANDLERS,
    *brand_funds.HANDLERS,
    *brand_works.HANDLERS,
    *cases_buyer.HANDLERS,
    *cases_merchant.HANDLERS,
    *cases_operator.HANDLERS,
    *cases_own_rules.HANDLERS,
    *cases_scores.HANDLERS,
    *creator_agency.HANDLERS,
    *creator_channels.HANDLERS,
    *creator_composer.HANDLERS,
    *creator_earnings.HANDLERS,
    *creator_links.HANDLERS,
    *creator_live_selling.HANDLERS,
    *creator_live_rooms.HANDLERS,
    *creator_live_publish.HANDLERS,
    *creator_tasks.HANDLERS,
    *creator_uploads.HANDLERS,
    *creator_videos.HANDLERS,
    *allowed.HANDLERS,
    *explain.HANDLERS,
    *explain_payee.HANDLERS,
    *gateways.HANDLERS,
    *health.HANDLERS,
    *language.HANDLERS,
    *live_board.HANDLERS,
    *live_pages.HANDLERS,
    *live_media.HANDLERS,
    *merchant_carriers.HANDLERS,
    *merchant_bills.HANDLERS,
    *merchant_coupons.HANDLERS,
    *merchant_dropship.HANDLERS,
    *merchant_expiring.HANDLERS,
    *merchant_fulfilment.HANDLERS,
    *merchant_imports.HANDLERS,
    *merchant_money.HANDLERS,
    *merchant_orders.HANDLERS,
    *merchant_product_editor.HANDLERS,
    *merchant_products.HANDLERS,
    *merchant_purchase.HANDLERS,
    *merchant_purchase_editor.HANDLERS,
    *merchant_purchase_files.HANDLERS,
    *merchant_purchase_imports.HANDLERS,
    *merchant_stock_imports.HANDLERS,
    *merchant_purchasing.HANDLERS,
    *merchant_settings.HANDLERS,
    *merchant_shipping.HANDLERS,
    *merchant_standing.HANDLERS,
    *merchant_insurance.HANDLERS,
    *merchant_stock.HANDLERS,
    *merchant_stock_sku.HANDLERS,
    *merchant_warehouses.HANDLERS,
    *merchant_counts.HANDLERS,
    *merchant_transfers.HANDLERS,
    *merchant_stores.HANDLERS,
    *merchant_suggestions.HANDLERS,
    *merchant_supplier_money.HANDLERS,
    *merchant_supplier_page.HANDLERS,
    *supplier_own_page.HANDLERS,
    *merchant_suppliers.HANDLERS,
    *merchant_quotas.HANDLERS,
    *merchant_stock_values.HANDLERS,
    *merchant_waiting.HANDLERS,
    *merchant_waves.HANDLERS,
    *merchant_webhooks.HANDLERS,
    *operator_app_revenue.HANDLERS,
    *operator_audit.HANDLERS,
    *operator_categories.HANDLERS,
    *operator_channels.HANDLERS,
    *operator_gifts.HANDLERS,
    *operator_jobs.HANDLERS,
    *operator_ledger.HANDLERS,
    *operator_live_wall.HANDLERS,
    *operator_orders.HANDLERS,
    *operator_overview.HANDLERS,
    *operator_payout_accounts.HANDLERS,
    *operator_payouts.HANDLERS,
    *payee_payouts.HANDLERS,
    *operator_people.HANDLERS,
    *operator_referral_precedence.HANDLERS,
    *operator_referral_reports.HANDLERS,
    *operator_referrals.HANDLERS,
    *operator_refunds.HANDLERS,
    *operator_reports.HANDLERS,
    *operator_rounds.HANDLERS,
    *operator_rule_case.HANDLERS,
    *operator_rule_impact.HANDLERS,
    *operator_rules.HANDLERS,
    *operator_sources.HANDLERS,
    *operator_standing.HANDLERS,
    *operator_insurance.HANDLERS,
    *operator_standing_rules.HANDLERS,
    *operator_tasks.HANDLERS,
    *operator_unallocated.HANDLERS,
    *partner_differences.HANDLERS,
    *partner_rounds.HANDLERS,
    *operator_reconciliation.HANDLERS,
    *operator_reconciliation_case.HANDLERS,
    *shopper_cart.HANDLERS,
    *shopper_checkout.HANDLERS,
    *shopper_coins.HANDLERS,
    *shopper_feed.HANDLERS,
    *shopper_go.HANDLERS,
    *shopper_live_taking.HANDLERS,
    *shopper_me.HANDLERS,
    *shopper_orders.HANDLERS,
    *shopper_products.HANDLERS,
    *shopper_share.HANDLERS,
    *ucp.HANDLERS,
    *videos.HANDLERS,
    *whip.HANDLERS,
    *work_home.HANDLERS,
    *work_pick.HANDLERS,
    *work_pack.HANDLERS,
    *work_receive.HANDLERS,
    *work_count.HANDLERS,
]
