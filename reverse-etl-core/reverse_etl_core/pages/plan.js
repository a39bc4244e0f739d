"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const lines = JSON.parse(byId("data").textContent);
  const list = byId("lines"), told = byId("told"), more = byId("more");
  const text = byId("text"), stream = byId("stream"), action = byId("action"), code = byId("code");
  const STEP = 100;
  let found = lines, shown = 0;

  // Values only ever become text: nothing here reads markup.
  const make = (tag, className, content) => {
    const one = document.createElement(tag);
    if (className) one.className = className;
    if (content !== undefined) one.textContent = content;
    return one;
  };
  const value = (content) => {
    if (content === null) return make("span", "nothing", "null");
    if (content === "") return make("span", "nothing", "empty");
    return make("bdi", "", content);
  };
  const change = (line, field) => {
    const [, before, after] = field, cell = make("dd");
    if (!(line.action === "create" && before === null)) {
      const old = make("del");
      old.append(value(before));
      cell.append(old, make("span", "arrow", "→"));
    }
    const next = make("ins");
    next.append(value(after));
    cell.append(next);
    return cell;
  };
  const draw = (line) => {
    const row = make("li"), what = make("div"), who = make("div"), how = make("div");
    what.append(make("span", "badge " + line.action, line.action));
    const key = make("b");
    key.append(make("bdi", "", line.match === null ? line.key : line.match));
    who.append(key);
    const facts = [line.stream + " → " + line.object + ", line " + line.n, "key " + line.key];
    if (line.id !== null) facts.push("id " + line.id);
    if (line.replay) facts.push("left by an earlier run");
    for (const fact of facts) {
      const quiet = make("div", "quiet small");
      quiet.append(make("bdi", "", fact));
      who.append(quiet);
    }
    if (line.code || line.reason) {
      const why = make("p");
      if (line.code) why.append(make("code", "", line.code), " ");
      why.append(make("bdi", "", line.reason));
      how.append(why);
    }
    if (line.fields.length) {
      const fields = make("dl");
      for (const field of line.fields) {
        const name = make("dt");
        name.append(make("bdi", "", field[0]));
        fields.append(name, change(line, field));
      }
      how.append(fields);
    }
    if (line.more) how.append(make("p", "quiet small", line.more + " more fields in plan.jsonl"));
    row.append(what, who, how);
    return row;
  };
  const haystack = (line) => {
    if (line.hay === undefined) {
      const parts = [line.key, line.match, line.id, line.code, line.reason, line.stream, line.object];
      line.hay = parts.concat(...line.fields).filter((one) => one !== null).join("\n").toLowerCase();
    }
    return line.hay;
  };
  const next = () => {
    const page = document.createDocumentFragment();
    for (const line of found.slice(shown, shown + STEP)) page.append(draw(line));
    list.append(page);
    shown = Math.min(found.length, shown + STEP);
    more.hidden = shown >= found.length;
    told.textContent = found.length + " of " + lines.length + " lines match" + (more.hidden ? "." : ", " + shown + " are shown.");
  };
  const look = () => {
    const wanted = text.value.trim().toLowerCase();
    found = lines.filter((line) =>
      (!stream.value || line.stream === stream.value) && (!action.value || line.action === action.value) &&
      (!code.value || line.code === code.value) && (!wanted || haystack(line).includes(wanted)));
    shown = 0;
    list.replaceChildren();
    next();
  };
  const fill = (select, name) => {
    for (const one of [...new Set(lines.map((line) => line[name]))].filter(Boolean).sort()) {
      const option = make("option", "", one);
      option.value = one;
      select.append(option);
    }
    select.addEventListener("change", look);
  };
  fill(stream, "stream");
  fill(action, "action");
  fill(code, "code");
  let pause;
  text.addEventListener("input", () => { clearTimeout(pause); pause = setTimeout(look, 120); });
  more.addEventListener("click", next);
  byId("filters").hidden = false;
  look();
})();
