// The status page. It asks /page/state again and again while somebody looks, and changes on the page what has changed, so that neither the focus
// nor a selection is lost. All text is put in as text.
"use strict";

const lookEvery = 2000;
const askPatience = 10000;
const soon = 30 * 86400;

const $ = id => document.getElementById(id);
let report = null;
let token = "";
let busy = new Set();
let tellTimer = 0;

// ---- elements -------------------------------------------------------------------------------------------------------------------------

/** An element from its tag, attributes (key: how it is found again) and children; what is null or false is left out. */
function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name === "key" ? "data-key" : name, value);
  }
  element.append(...children.flat().filter(child => child !== null && child !== undefined && child !== false).map(child =>
    child instanceof Node ? child : String(child)));
  return element;
}

/** Makes the children of an element those of another one, and keeps what is the same. */
function morph(here, wanted) {
  const old = [...here.childNodes];
  const byKey = new Map(old.filter(node => node.dataset?.key).map(node => [node.dataset.key, node]));
  let next = here.firstChild;
  for (const fresh of [...wanted.childNodes]) {
    const key = fresh.dataset?.key;
    const kept = key ? byKey.get(key) : next && !next.dataset?.key && next.nodeName === fresh.nodeName ? next : null;
    if (!kept || kept.nodeName !== fresh.nodeName) {
      here.insertBefore(fresh, next);
      continue;
    }
    if (kept === next) next = next.nextSibling;
    else here.insertBefore(kept, next);
    if (kept.nodeType === Node.TEXT_NODE) {
      if (kept.data !== fresh.data) kept.data = fresh.data;
      continue;
    }
    for (const { name } of [...kept.attributes]) if (!fresh.hasAttribute(name)) kept.removeAttribute(name);
    for (const { name, value } of [...fresh.attributes]) if (kept.getAttribute(name) !== value) kept.setAttribute(name, value);
    morph(kept, fresh);
  }
  while (next) {
    const gone = next;
    next = next.nextSibling;
    gone.remove();
  }
}

const show = (id, ...children) => morph($(id), h("div", null, ...children));

// ---- words ----------------------------------------------------------------------------------------------------------------------------

function seconds(amount) {
  const whole = Math.floor(amount);
  return amount < 10 ? `${amount.toFixed(1)}\u00a0s` : amount < 60 ? `${whole}\u00a0s`
    : amount < 3600 ? `${Math.floor(whole / 60)}\u00a0min ${whole % 60}\u00a0s`
    : amount < 86400 ? `${Math.floor(whole / 3600)}\u00a0h ${Math.floor(whole % 3600 / 60)}\u00a0min`
    : `${Math.floor(whole / 86400)}\u00a0d ${Math.floor(whole % 86400 / 3600)}\u00a0h`;
}

function bytes(amount) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  for (; amount >= 1024 && unit < units.length - 1; unit++) amount /= 1024;
  return `${unit === 0 ? amount : amount.toFixed(1)}\u00a0${units[unit]}`;
}

/** By the node's own clock, as the picture has it: the one of who looks may be wrong. */
const age = at => Math.max(0, (Date.parse(report.at) - Date.parse(at)) / 1000);
const ago = at => `${seconds(age(at))} ago`;
const because = problem => problem ? ` (${problem})` : "";

function stateOf(service) {
  if (service.phase?.frozen) return ["frozen here", "bad"];
  if (service.damped) return ["left alone", "bad"];
  if (service.state === "owned") return service.paused ? ["runs, paused", "warn"] : ["runs", "good"];
  if (service.state === "paused") return ["paused", "warn"];
  return service.state === "vacant" ? ["nobody owns it", "bad"] : [service.state, "warn"];
}

function riskOf(service) {
  const risk = service.atRisk;
  if (!risk) return null;
  if (risk.seconds === 0) return "nothing";
  return `the last ${seconds(risk.seconds)}${risk.bytes ? `, about ${bytes(risk.bytes)}` : ""}`;
}

// ---- what needs a look ------------------------------------------------------------------------------------------------------------------

/** [how bad, words] of all that is not as it should be. */
function concerns() {
  const { status } = report;
  const found = [];
  const add = (kind, words) => found.push([kind, words]);
  if (!status.cluster.quorum) add("bad", `${status.node} sees no majority of the nodes: ownership does not change from here.`);
  for (const member of status.cluster.members) {
    if (member.status !== "up") add("bad", `${member.name}: its daemon is ${member.status}.`);
    else if (!member.reachable) add("bad", `${member.name} cannot be reached.`);
  }
  const journal = status.cluster.journal;
  if (journal && !journal.reachable) add("bad", `The journal's database does not answer${because(journal.problem)}: services run on, ownership does not change.`);
  if (!status.self.guardAttached) add("bad", `${status.node}: its guard does not answer${because(status.self.guardError)}: no service can start there.`);
  const expires = status.self.certificateExpires;
  if (expires && Date.parse(expires) - Date.parse(report.at) < soon * 1000) add("warn", `${status.node}: its certificate ends on ${expires.slice(0, 10)}.`);
  for (const service of status.services) {
    const of = words => `${service.name}: ${words}`;
    const [words, kind] = stateOf(service);
    if (kind !== "good") add(kind, of(`${words}${service.reason ? `: ${service.reason}` : ""}.`));
    if (service.dump && !service.dump.ok) add("bad", of(`dumps fail${because(service.dump.error)}; what is at risk grows.`));
    if (service.dump?.warning) add("warn", of(service.dump.warning));
    for (const standby of service.standbys ?? []) if (standby.problem) add("warn", of(`the copy on ${standby.node} does not follow${because(standby.problem)}.`));
    for (const one of service.rehearsals ?? []) if (one.problem) add("warn", of(`the rehearsal on ${one.node} ${one.hangs ? "hangs" : "fails"}${because(one.problem)}.`));
    if (service.divergent > 0) add("warn", of(`${service.divergent} divergent: what was written outside the line is kept, and waits for somebody.`));
    for (const logs of service.logs ?? []) if (logs.goes !== "shared") add("warn", of(`its logs on ${status.node} do not go to shared storage${because(logs.problem)}.`));
  }
  return found;
}

// ---- the parts of the page --------------------------------------------------------------------------------------------------------------

const fact = (name, ...value) => value[0] === null ? null : [h("dt", { key: `t-${name}` }, name), h("dd", { key: `d-${name}` }, ...value)];

function serviceCard(service) {
  const [words, kind] = stateOf(service);
  const dump = service.lastDump;
  const standbys = (service.standbys ?? []).map(one =>
    `${one.node}: ${one.lagSeconds === null || one.lagSeconds === undefined ? "no copy yet" : one.lagSeconds === 0 ? "the newest" : `${seconds(one.lagSeconds)} behind`}`);
  const rehearsed = (service.rehearsals ?? []).filter(one => !one.problem && one.at).map(one =>
    `${one.node}, in ${seconds(one.seconds)}, ${ago(one.at)}`);
  // Not disabled while one is under way, nor taken away: the focus would be lost.
  const action = (name, text, key = name, can = true) => h("button",
    { type: "button", key, "data-act": name, "data-service": service.name, "aria-disabled": busy.has(service.name) || !can ? "true" : null }, text);
  return h("article", { class: "card", key: service.name, "aria-labelledby": `s-${service.name}` },
    h("div", { class: "top" },
      h("h3", { id: `s-${service.name}` }, service.name),
      h("span", { class: `state ${kind}` }, words)),
    h("p", { class: "owner" }, service.owner ? ["on ", h("strong", null, service.owner)] : "on no node"),
    h("dl", { class: "facts" },
      fact("At risk", riskOf(service)),
      fact("Last dump", dump ? `#${dump.sequence}, ${ago(dump.at)}, ${bytes(dump.bytes)}` : "none yet"),
      fact("Copies", standbys.length ? standbys.join("; ") : null),
      fact("Rehearsed", rehearsed.length ? rehearsed.join("; ") : null),
      fact("Epoch", service.epoch || null),
      fact("Lease", service.leaseRemainingMs == null ? null : `${seconds(service.leaseRemainingMs / 1000)} left`)),
    token && h("div", { class: "row actions", key: "actions" },
      report.places[service.name].length > 1 && action("move", "Move …", "move", !!service.owner),
      service.paused || service.state === "paused" || service.damped ? action("resume", "Resume …", "pausing") : action("pause", "Pause …", "pausing"),
      service.owner === report.status.node && action("dump", "Dump now …")));
}

function nodeCard(member) {
  const up = member.status === "up" && member.reachable;
  const owns = report.status.services.filter(service => service.owner === member.name).map(service => service.name);
  const here = member.name === report.status.node;
  return h("li", { class: "card", key: member.name },
    h("div", { class: "top" },
      h("h3", null, here ? member.name : h("a", { href: report.nodes[member.name] }, member.name)),
      h("span", { class: `state ${up ? "good" : "bad"}` }, member.status !== "up" ? member.status : member.reachable ? "up" : "not reached")),
    h("p", { class: "quiet" },
      [here ? "this page's node" : null, report.status.cluster.voters.includes(member.name) ? "votes" : null].filter(Boolean).join(", ") || "\u00a0"),
    h("p", null, owns.length === 0 ? "runs no service" : owns.length > 6 ? `runs ${owns.length} services` : `runs ${owns.join(", ")}`));
}

function storage() {
  const { status } = report;
  const journal = status.cluster.journal;
  const failing = status.services.filter(service => service.dump && !service.dump.ok);
  const known = status.services.filter(service => service.dump);
  const logs = status.services.flatMap(service => service.logs ?? []);
  const spooled = logs.filter(one => one.goes !== "shared");
  const expires = status.self.certificateExpires;
  return [
    fact("Journal", !journal ? "not looked at yet" : journal.reachable ? `has answered for ${seconds(age(journal.since))}` : `has not answered for ${seconds(age(journal.since))}`),
    fact("Dumps", known.length === 0 ? "none seen from here" : failing.length === 0 ? `succeed for ${known.length} of ${known.length} services seen from here` : `fail for ${failing.map(service => service.name).join(", ")}`),
    fact("Logs", logs.length === 0 ? null : spooled.length === 0 ? "go to shared storage" : `${spooled.length} of ${logs.length} wait on this node's own disk`),
    fact("Guard", status.self.guardAttached ? "answers" : `does not answer${because(status.self.guardError)}`),
    fact("Votes", status.cluster.voters.join(", ")),
    fact("Certificate", expires ? `good until ${expires.slice(0, 10)}` : null),
  ].flat();
}

function timeline() {
  const of = $("timeline-of").value;
  const dumps = $("timeline-dumps").checked;
  const events = report.happened.filter(one => (!of || one.service === of) && (dumps || one.kind !== "dump"));
  return events.length === 0 ? h("li", null, "Nothing yet.") : events.map(one => {
    const measures = [
      one.cause === "failover" && one.durationSeconds != null && `took ${seconds(one.durationSeconds)}`,
      one.cause === "move" && one.durationSeconds != null && `took ${seconds(one.durationSeconds)}`,
      one.lostSeconds != null && (one.lostSeconds === 0 ? "nothing lost" : `at most the last ${seconds(one.lostSeconds)} before it are missing`),
    ].filter(Boolean).join("; ");
    return h("li", { class: `${one.kind} ${one.cause ?? ""}`, key: `${one.service} ${one.at} ${one.text}` },
      h("time", { datetime: one.at, title: one.at }, ago(one.at)),
      h("strong", null, one.service), ` ${one.text}`,
      measures && h("span", { class: "measure" }, measures));
  });
}

function draw() {
  const { status } = report;
  const found = concerns();
  const bad = found.some(([kind]) => kind === "bad");
  document.title = `${found.length ? `(${found.length}) ` : ""}${report.cluster}, ClusterFs`;
  $("title").textContent = report.cluster;
  $("seen").textContent = `seen from ${status.node}`;
  $("verdict").textContent = found.length === 0 ? "All is well" : found.length === 1 ? "1 thing needs a look" : `${found.length} things need a look`;
  $("verdict").className = `verdict ${found.length === 0 ? "good" : bad ? "bad" : "warn"}`;
  $("concerns").hidden = found.length === 0;
  show("concern-list", found.map(([kind, words]) => h("li", { class: kind }, words)));
  show("service-list", status.services.length ? status.services.map(serviceCard) : h("p", { class: "quiet" }, "No service is configured."));
  show("node-list", status.cluster.members.map(nodeCard));
  show("storage-list", storage());
  const names = status.services.map(service => service.name);
  if ($("timeline-of").options.length !== names.length + 1) {
    $("timeline-of").replaceChildren(h("option", { value: "" }, "all services"), ...names.map(name => h("option", { value: name }, name)));
  }
  show("timeline", timeline());
  $("unlock").hidden = !report.mayAct || token !== "";
  $("locked").hidden = report.mayAct;
  $("lock").hidden = token === "";
}

// ---- asking ----------------------------------------------------------------------------------------------------------------------------

function tell(words) {
  $("told").textContent = words;
  clearTimeout(tellTimer);
  tellTimer = setTimeout(() => { $("told").textContent = ""; }, 8000);
}

/** Says what somebody who does not see the page would otherwise miss. */
function announce(before, after) {
  for (const service of after.services) {
    const was = before.services.find(one => one.name === service.name);
    if (was && was.owner !== service.owner) tell(service.owner ? `${service.name} is on ${service.owner} now` : `${service.name} is on no node`);
  }
}

async function look() {
  try {
    const answer = await fetch("/page/state", {
      headers: token ? { "Authorization": `Bearer ${token}` } : {}, signal: AbortSignal.timeout(askPatience), cache: "no-store",
    });
    if (!answer.ok) throw new Error(await answer.text());
    const fresh = await answer.json();
    const before = report;
    report = fresh;
    $("away").hidden = true;
    draw();
    if (before) announce(before.status, fresh.status);
  } catch (problem) {
    $("away").textContent = `${report ? `${report.status.node} does not answer; this is what it said ${seconds((Date.now() - lastHeard) / 1000)} ago.` : "This node does not answer."} Asked again and again.`;
    $("away").hidden = false;
    return;
  }
  lastHeard = Date.now();
}

let lastHeard = Date.now();
let timer = 0;
async function loop() {
  clearTimeout(timer);
  timer = 0;
  if (document.hidden) return;
  await look();
  if (!timer && !document.hidden) timer = setTimeout(loop, lookEvery);
}

document.addEventListener("visibilitychange", loop);
$("timeline-of").addEventListener("change", () => draw());
$("timeline-dumps").addEventListener("change", () => draw());

// ---- acting ----------------------------------------------------------------------------------------------------------------------------

$("unlock").addEventListener("submit", event => {
  event.preventDefault();
  token = $("token").value.trim();
  $("token").value = "";
  draw();
  void look();
  $("services").focus();
  tell("Unlocked: each service has buttons now.");
});

$("lock").addEventListener("click", () => { token = ""; draw(); void look(); });

const questions = {
  move: ["Move", "It is stopped, dumped, and started there. Nothing is lost; it does not answer meanwhile."],
  pause: ["Pause", "Nothing starts it elsewhere by itself, whatever happens, until it is resumed."],
  resume: ["Resume", "It is started elsewhere by itself again when its node fails."],
  dump: ["Dump", "A dump is taken now, besides those that are taken anyway."],
};

$("service-list").addEventListener("click", event => {
  const { act, service } = event.target.dataset ?? {};
  if (!act || event.target.getAttribute("aria-disabled")) return;
  const [verb, text] = questions[act];
  $("ask-title").textContent = `${verb} ${service}?`;
  $("ask-text").textContent = text;
  $("ask-yes").textContent = verb;
  $("ask-where").hidden = act !== "move";
  const owner = report.status.services.find(one => one.name === service).owner;
  $("ask-node").replaceChildren(...report.places[service].filter(node => node !== owner).map(node => h("option", { value: node }, node)));
  const ask = $("ask");
  ask.returnValue = "no";
  ask.onclose = () => { if (ask.returnValue === "yes") void perform(act, service, act === "move" ? { to: $("ask-node").value } : {}); };
  ask.showModal();
});

async function perform(act, service, body) {
  busy.add(service);
  draw();
  tell(`${questions[act][0]} ${service}: under way …`);
  try {
    const answer = await fetch(`/page/services/${encodeURIComponent(service)}/${act}`, {
      method: "POST",
      headers: { "Authorization": `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify(body),
      cache: "no-store",
    });
    if (answer.ok) {
      tell(`${questions[act][0]} ${service}: done.`);
    } else {
      const text = await answer.text();
      let words = text;
      try {
        const { error, hint } = JSON.parse(text);
        words = hint ? `${error}; ${hint}` : error;
      } catch { /* Plain text. */ }
      if (answer.status === 401) token = "";
      tell(`${questions[act][0]} ${service}: ${words}`);
    }
  } catch {
    tell(`${questions[act][0]} ${service}: no answer; it may still be under way.`);
  } finally {
    busy.delete(service);
    await look();
  }
}

void loop();
