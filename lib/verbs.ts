// Verbs that headings and terms begin with, and which of them headings use as nouns too.

const VERBS = `abort accept access activate add adjust allow analyze append apply approve archive ask assign attach audit authenticate avoid back backup begin bind block
boot break bring browse build bump bundle bypass cache calculate call cancel capture certify change check choose clean clear clone close collect combine commit compare compile complete
compute concatenate configure connect consider construct contribute control convert copy count cover create customize debug declare decode decorate decrease define delete
deny deploy deprecate describe destroy detect determine develop diagnose diff disable discard display distribute document download drop dump edit embed emit enable encode
enforce ensure enter escape evaluate examine exclude execute exit expand explore export expose extend extract fetch fill filter find fix flush follow force fork format forward
generate get give go grant group guarantee handle hide identify ignore implement import improve include increase initialize inject insert inspect install integrate
intercept invoke isolate iterate join keep kill launch learn leave limit link list load lock log login loop maintain make manage map mark match measure merge migrate mock
modify monitor mount move name navigate obtain omit open optimize organize output override overwrite pack package parse pass patch perform persist pin pipe point populate
post prefix prepare prevent preview print process produce profile prohibit protect provide prune publish pull push put query quit raise read rebase rebuild receive record
recover redirect reduce refer refresh register reject release reload remove rename render reorder repair repeat replace report request require reset resolve restart restore
restrict retrieve retry return reuse revert review revoke rewrite roll rotate run save scan schedule search secure select send serialize serve set setup share show shrink
sign simplify skip sort specify split stage start stop store stream submit subscribe supply support suppress switch sync tag take terminate test track transfer transform
translate traverse trigger truncate trust try turn uninstall unlink unpack unpublish unset unstar update upgrade upload use validate verify view visit wait walk watch
work wrap write
achieve adapt alter analyse annotate assemble assess bring categorize clarify classify compose compress confirm consolidate consult convince decompress decrypt
deserialize differentiate discover eliminate encounter encourage encrypt enumerate establish gather harden inform initiate instantiate invent invert investigate know
locate maximize minimize negotiate normalize notify obey predict prefer preserve propose reclaim recognize recommend recompile reconfigure recreate regenerate reinstall
remember remount replicate reproduce retain revise sanitize satisfy seek shorten solve suspend synchronize transmit unblock understand unload unmount unregister utilize`;
const BASE: ReadonlySet<string> = new Set(VERBS.split(/\s+/));

/** Verbs that are known as gerunds only: as the first word of a heading their base form is a noun as often. */
export const GERUND_VERBS: ReadonlySet<string> = new Set([
  ...BASE,
  ...`accumulate acquire adapt adopt allocate arrange assemble associate automate await balance bootstrap broadcast cast catch chain coordinate deactivate deal decrypt defer delegate designate detach distinguish draw drive duplicate
emulate encapsulate encrypt estimate explain express flush free hash incorporate inherit inline instantiate instrument interact interpret invert investigate listen mimic minimise minimize mix
mutate nest normalize notify observe optimise plan plug predict preserve propagate recognize reconstruct refactor reference regenerate rely reproduce reserve reverse route sample scale separate
silence simulate solve spawn squash stash step structure substitute summarize suspend swap synchronize tell throttle time trace train transmit undo unpack unregister vary`.split(
    /\s+/,
  ),
]);

/** Verbs that headings use as nouns: "Package lock", "Tag behavior". */
export const ALSO_NOUNS: ReadonlySet<string> = new Set(
  `abort access archive attach audit backup block boot break build bump bundle bypass cache call capture change check clean clone close complete commit control convert copy cover debug default
define delete diff display document download drop dump edit escape exit export extract fetch fill filter fix flush force fork format forward get grant group host import index
input join kill launch leave limit link list load lock log login loop map mark match measure merge mock monitor mount move name open order output override package parse
pass patch pin pipe point post prefix preview print process produce profile project publish pull push query quit read record redirect refresh release reload repair repeat
report request require reset restart return review roll run save scan schedule search secure select set setup share sign skip sort split stage start stop store stream submit supply
support switch sync tag test track transfer transform trigger trust try turn update upgrade upload use version view visit wait walk watch work wrap write`.split(
    /\s+/,
  ),
);

/** A verb that no heading uses as a noun. */
export const isVerbOnly = (word: string): boolean => isBaseVerb(word) && !ALSO_NOUNS.has(word.toLowerCase());

/** A known verb in its base form, as what follows "How do I" begins. */
export const isVerb = (word: string): boolean => GERUND_VERBS.has(word.toLowerCase());

/** A known verb in its base form, as the first word of a heading may be. */
export const isBaseVerb = (word: string): boolean => BASE.has(word.toLowerCase());
