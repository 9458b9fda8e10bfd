"""Section 12 of protocol.md, fault by fault: where each falls at random, or which test shows it.

`faults` are rows of `faults.py`, drawn in random worlds and counted; a long run in which one never fell fails.
`tests` are tests of other rings and stories; `test_section12.py` looks each of them up.
"""

import msgspec

PHRASES = """
node killed at every await; power cut with unsynced writes lost; torn page; fsync that lies; EIO once; disk full in commit, tile,
batch; bit flip at rest in body, in leaf hash before signing; read-only remount; slow disk; database image restored from before or
after the last acknowledgement; two clones; total disk loss; anchor lost; centre crash between insert and commit, commit and
countersign, countersign and reply; centre restored from backup; lagging standby promoted; loss, duplication, reordering, delay;
one-way partition; half-open TCP; stall mid-body; links flapping one by one; 200 B/s with 30 s round trips; body or file truncated
at every byte; reply lost after commit; stick imported twice, months late, out of order, with another node's or an older
incarnation's acknowledgement, lost, altered, pulled while writing, with fake capacity; batch to an old key; revoked node; replayed
checkpoint; compromised node rewriting sent or unsent entries; centre dropping, altering or reordering entries, or showing two
views; clock forward and back days, reset to 1970, drifting, suspended for weeks; far-future clock from a peer; lease expiring
mid-answer, powered off, mid-shred; quota spent then crash, rolled back, grant lost or doubled; unknown or invalid entry;
decompression bomb; huge header; deep CBOR; missing dictionary; old node with new centre and the reverse; migration killed
half-way; release rolled back, frozen, mixed; revocation before, with, after data; scope removed while cached; key rotated
mid-batch; many nodes returning at once; 90 days offline; 10,000 aborted sessions; wrong node id; hand-deleted WAL
"""
"""The list as the protocol has it."""


class Named(msgspec.Struct, frozen=True):
    """One fault by its words there, and what shows it."""

    words: str
    faults: str = ""
    tests: tuple[str, ...] = ()


LINE, DISK, CALLS = "faults/test_line.py", "faults/test_disk.py", "faults/test_syscalls.py"
FAILED_CALL = f"{CALLS}::test_a_failed_system_call_leaves_a_sound_node_and_the_next_try_goes_through"
REFUSED = "unit/sync_exchange/test_batch_refused.py"
UPLINK, ACCEPT = "unit/sync_exchange/test_uplink.py", "unit/sync_exchange/test_acceptance.py"
INGEST, VIEWS = "contract/central/test_ingest.py", "contract/renewal/test_views.py"
LONG, RULES = "simulation/test_long.py", "simulation/test_rules.py::test_a_story_holds_while_its_rule_stands"

# fmt: off
NAMED: tuple[Named, ...] = (
    Named("node killed at every await", "power-at-wait power-early power-at-commit", ("faults/test_kill.py::test_a_node_killed_at_random_moments_loses_nothing_it_has_shown",)),
    Named("power cut with unsynced writes lost", "power-early torn-log torn-anchor power-at-rest"),
    Named("torn page", "torn-page"),
    Named("fsync that lies", "lying-fsync"),
    Named("EIO once", "", (FAILED_CALL,)),
    Named("disk full in commit, tile, batch", "disk-full", (FAILED_CALL, "contract/refusals/test_full_disk.py::test_a_full_stick_is_trouble_in_words_and_what_lay_on_it_stays", f"{DISK}::test_rule_8_6_a_disk_that_fills_up_stops_answers_with_words_and_nothing_else_and_recovers_by_itself")),
    Named("bit flip at rest in body", "bit-flip cache-spoilt", (RULES, "contract/renewal/test_rebuild.py::test_rule_8_7_a_broken_page_of_the_cache_costs_the_cache_only", "contract/central/test_check.py::test_check_names_the_entry_a_thief_with_the_database_altered")),
    Named("in leaf hash before signing", "", (RULES, "unit/sync_exchange/test_node.py::test_a_ledger_that_does_not_add_up_is_not_sent_but_alarmed")),
    Named("read-only remount", "", (f"{DISK}::test_a_disk_that_turns_read_only_ends_the_process_with_words_and_nothing_shown_is_lost",)),
    Named("slow disk", "slow-disk"),
    Named("database image restored from before or after the last acknowledgement", "image-with-anchor image-of-database lying-fsync"),
    Named("two clones", "two-clones", (f"{UPLINK}::test_rule_4_2_two_clones_are_told_apart_at_the_first_entry_that_differs",)),
    Named("total disk loss", "disk-lost", ("simulation/test_renewing.py::test_an_empty_machine_takes_the_place_of_a_lost_disk", "contract/renewal/test_restore.py::test_the_drill_ends_with_a_hall_that_serves_within_thirty_minutes")),
    Named("anchor lost", "anchor-lost"),
    Named("centre crash between insert and commit, commit and countersign, countersign and reply", "centre-crash centre-restart", (f"{INGEST}::test_an_exchange_cut_anywhere_leaves_whole_groups_and_is_done_once_in_the_end",)),
    Named("centre restored from backup", "centre-restored centre-restored-all", ("simulation/test_found.py::test_a_centre_restored_from_a_backup_becomes_level_again",)),
    Named("lagging standby promoted", "standby-promoted", ("simulation/test_found.py::test_a_standby_that_lags_takes_over_while_a_stick_of_the_dead_centre_is_on_its_way",)),
    Named("loss, duplication, reordering, delay", "request-lost request-twice request-late reply-lost reply-old slow suspended gateway line-down"),
    Named("one-way partition", "reply-lost", (f"{LINE}::test_a_half_open_line_is_given_up_on_and_nothing_is_taken_twice",)),
    Named("half-open TCP", "", (f"{LINE}::test_a_half_open_line_is_given_up_on_and_nothing_is_taken_twice",)),
    Named("stall mid-body", "request-cut reply-cut suspended", ("contract/edge/test_knock.py::test_a_line_that_hangs_is_found_at_the_deadline",)),
    Named("links flapping one by one", "line-down", (f"{LINE}::test_a_hall_under_load_over_a_line_that_flaps_ends_level_and_once",)),
    Named("200 B/s with 30 s round trips", "", (f"{LINE}::test_a_line_of_200_bytes_a_second_and_30_second_round_trips_carries_a_days_entries",)),
    Named("body or file truncated at every byte", "request-cut reply-cut stick-cut", (f"{LINE}::test_a_batch_cut_at_every_byte_around_each_border_ends_whole_and_once", "unit/sync_exchange/test_batch.py::test_a_small_batch_cut_at_any_byte_is_refused_and_nothing_of_it_counts", "unit/sync_exchange/test_node.py::test_an_acknowledgement_cut_or_altered_at_any_byte_is_an_alarm_and_never_an_exception")),
    Named("reply lost after commit", "reply-lost"),
    Named("stick imported twice", "stick-twice"),
    Named("months late, out of order", "stick-late weeks-pass", (f"{UPLINK}::test_batches_on_a_stick_arrive_in_any_order_and_end_complete",)),
    Named("with another node's or an older incarnation's acknowledgement", "stick-of-another stick-of-older-life"),
    Named("lost, altered, pulled while writing, with fake capacity", "stick-lost stick-altered stick-pulled stick-fake"),
    Named("batch to an old key", "batch-to-old-key"),
    Named("revoked node", "revoked-after-data", (f"{INGEST}::test_a_revoked_node_is_refused_and_its_batch_kept",)),
    Named("replayed checkpoint", "batch-replayed request-twice"),
    Named("compromised node rewriting sent", "two-clones image-with-anchor", (f"{UPLINK}::test_rule_4_1_a_rewritten_past_cannot_be_shown_consistent", RULES)),
    Named("or unsent entries", "", ("unit/sync_exchange/test_node.py::test_a_ledger_that_does_not_add_up_is_not_sent_but_alarmed", RULES)),
    Named("centre dropping, altering or reordering entries", "", ("contract/central/test_check.py::test_check_finds_a_whole_history_rewritten_consistently", f"{ACCEPT}::test_rule_4_4_a_centre_whose_ledger_shrank_is_found_out_but_an_old_stick_is_only_stale", RULES)),
    Named("or showing two views", "", (f"{VIEWS}::test_a_history_shown_to_another_node_only_is_found", f"{ACCEPT}::test_rule_4_4_a_centre_that_shows_two_views_of_its_own_ledger_is_found_out")),
    Named("clock forward and back days, reset to 1970, drifting, suspended for weeks", "clock-ahead clock-back clock-1970 clock-drift weeks-pass"),
    Named("far-future clock from a peer", "clock-ahead", ("contract/central/test_store.py::test_entries_of_a_far_off_clock_are_stored_and_months_are_made_ahead",)),
    Named("lease expiring mid-answer, powered off, mid-shred", "suspended days-pass", (RULES, FAILED_CALL, "contract/edge/test_leases.py::test_a_shredding_broken_off_before_the_old_key_was_replaced_is_finished_at_boot")),
    Named("quota spent then crash, rolled back", "power-at-commit power-early grant-rolled-back lying-fsync", ("contract/central/test_quota.py::test_a_spending_carried_over_counts_once",)),
    Named("grant lost or doubled", "grant-lost grant-doubled", ("contract/renewal/test_rights.py::test_rule_9_a_grant_lost_on_the_way_comes_again_and_one_doubled_counts_once",)),
    Named("unknown or invalid entry", "entry-strange", (f"{INGEST}::test_a_bad_entry_is_stored_as_evidence_and_the_node_is_told",)),
    Named("decompression bomb", "batch-bomb", ("unit/sync_exchange/test_packs.py::test_a_decompression_bomb_is_refused_before_it_expands",)),
    Named("huge header", "batch-bomb", (f"{REFUSED}::test_a_huge_header_is_refused_by_its_length_alone",)),
    Named("deep CBOR", "batch-deep"),
    Named("missing dictionary", "", ("unit/sync_exchange/test_slim.py::test_a_dictionary_the_reader_lacks_is_refused_before_a_frame_is_opened", "contract/edge/test_exchange.py::test_a_centre_that_lacks_the_dictionary_gets_the_same_entries_without_at_once")),
    Named("old node with new centre and the reverse", "entry-strange centre-older letter-newer", (f"{REFUSED}::test_fields_a_newer_node_appended_to_the_header_do_not_matter", "unit/sync_exchange/test_acknowledgement.py::test_fields_a_newer_centre_appended_do_not_matter", "unit/sync_exchange/test_node.py::test_directives_arrive_in_order_once_and_an_unknown_one_is_reported_not_obeyed_blindly", "contract/edge/test_store.py::test_a_database_of_a_newer_program_is_refused")),
    Named("migration killed half-way", "", ("simulation/test_versions.py::test_a_migration_killed_anywhere_leaves_a_step_before_and_the_next_start_ends_it",)),
    Named("release rolled back, frozen, mixed", "release-rolled-back release-frozen release-mixed", ("simulation/test_found.py::test_a_frozen_release_grows_old_in_sight_until_nothing_is_answered_from_it", "contract/edge/test_exchange.py::test_a_release_older_than_one_seen_is_refused", "unit/sync_exchange/test_node.py::test_an_older_mixed_or_forged_release_is_an_alarm_and_a_held_one_is_nothing_to_do", "unit/sync_exchange/test_packs.py::test_a_mixed_release_is_neither_signed_nor_opened")),
    Named("revocation before, with, after data", "revoked-before-data revoked-with-data revoked-after-data consent-withdrawn consent-given", ("contract/renewal/test_trips.py::test_withdrawn_consent_is_in_force_before_with_and_after_the_data",)),
    Named("scope removed while cached", "trip-ended trip-over", ("contract/renewal/test_trips.py::test_a_scope_withdrawn_while_cached_is_destroyed_at_the_next_contact_and_stays_refused",)),
    Named("key rotated mid-batch", "batch-of-older-life", ("contract/renewal/test_keys.py::test_a_rotation_a_crash_broke_off_leaves_a_database_that_opens",)),
    Named("many nodes returning at once", "", (f"{LONG}::test_many_nodes_that_come_back_at_once_all_become_level",)),
    Named("90 days offline", "", (RULES,)),
    Named("10,000 aborted sessions", "", (f"{LONG}::test_sessions_broken_off_by_the_hundred_leave_no_residue",)),
    Named("wrong node id", "batch-of-another", (f"{REFUSED}::test_a_node_cannot_sign_a_batch_in_the_name_of_another",)),
    Named("hand-deleted WAL", "", (f"{LONG}::test_rule_8_4_a_log_deleted_by_hand_is_found_by_the_anchor_and_stops_the_node",)),
)
# fmt: on


def table() -> str:
    """The list as the README's table."""
    rows = ["| fault | in random worlds | shown by |", "|---|---|---|"]
    for one in NAMED:
        names = ", ".join(f"`{name}`" for name in one.faults.split())
        shown = ", ".join(f"`{test.split('::')[1]}`" for test in one.tests)
        rows.append(f"| {one.words} | {names} | {shown} |")
    return "\n".join(rows)
