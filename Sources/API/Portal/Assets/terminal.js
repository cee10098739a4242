// A terminal for the console's page: a VT100 with colours, as far as shells, editors and installers want one.
//
// `Screen` is the machine: bytes in, rows of cells out, answers to its questions by `reply`. It knows no page, and is
// tested by itself. Below it the page: rows become elements, keys become bytes, and both go by a WebSocket whose
// messages the daemon's ConsoleSocket describes.
"use strict";

/** A cell is {c: character, s: class names}. */
class Screen {
  constructor(rows, cols, reply) {
    this.reply = reply || (() => {});
    this.history = [];
    this.decoder = new TextDecoder();
    this.reset(rows, cols);
  }

  reset(rows = this.rows, cols = this.cols) {
    this.rows = rows;
    this.cols = cols;
    this.lines = this.blank(rows);
    this.other = null;
    this.x = this.y = this.top = 0;
    this.bottom = rows - 1;
    this.wrapNext = false;
    this.style = {};
    this.saved = null;
    this.modes = { wrap: true, cursor: true, keys: false, paste: false, insert: false };
    this.drawing = [false, false];
    this.shift = 0;
    this.state = "ground";
    this.dirty = new Set(this.lines.keys());
    this.isMoved = true;
  }

  blank(count) {
    return Array.from({ length: count }, () => this.line());
  }

  line() {
    return Array.from({ length: this.cols }, () => ({ c: " ", s: "" }));
  }

  resize(rows, cols) {
    if (rows === this.rows && cols === this.cols) return;
    const fit = (lines) => {
      for (const line of lines) {
        while (line.length < cols) line.push({ c: " ", s: "" });
        line.length = cols;
      }
      while (lines.length < rows) lines.push(Array.from({ length: cols }, () => ({ c: " ", s: "" })));
      while (lines.length > rows) {
        // The cursor's row stays in sight; what is above it goes into the history.
        if (lines === this.lines && this.y >= rows) {
          const gone = lines.shift();
          this.y -= 1;
          if (!this.other) this.remember(gone);
        } else {
          lines.pop();
        }
      }
    };
    fit(this.lines);
    if (this.other) fit(this.other);
    this.rows = rows;
    this.cols = cols;
    this.top = 0;
    this.bottom = rows - 1;
    this.x = Math.min(this.x, cols - 1);
    this.y = Math.min(Math.max(this.y, 0), rows - 1);
    this.wrapNext = false;
    this.touchAll();
  }

  touchAll() {
    for (let y = 0; y < this.rows; y++) this.dirty.add(y);
    this.isMoved = true;
  }

  remember(line) {
    this.history.push(line);
    if (this.history.length > 2000) this.history.splice(0, this.history.length - 2000);
    this.added = (this.added || 0) + 1;
  }

  /** Takes what the machine says: a Uint8Array, cut anywhere. */
  write(bytes) {
    for (const c of this.decoder.decode(bytes, { stream: true })) this.take(c);
  }

  take(c) {
    const code = c.codePointAt(0);
    if (code < 0x20 || code === 0x7f) {
      if (this.state === "text" && code !== 0x1b && code !== 0x07) return;
      return this.control(code);
    }
    switch (this.state) {
      case "ground": return this.put(c);
      case "escape": return this.escape(c);
      case "charset":
        this.drawing[this.slot] = c === "0";
        this.state = "ground";
        return;
      case "skip": this.state = "ground"; return;
      case "text":
        if (this.isEnding && c === "\\") this.state = "ground";
        this.isEnding = false;
        return;
      case "csi":
        if (code >= 0x40) {
          this.state = "ground";
          this.sequence(c, this.given);
        } else if (this.given.length < 256) {
          this.given += c;
        }
    }
  }

  control(code) {
    switch (code) {
      case 0x07: if (this.state === "text") this.state = "ground"; break;
      case 0x08: if (this.x > 0) this.x -= 1; this.wrapNext = false; break;
      case 0x09: this.x = Math.min(this.cols - 1, (this.x & ~7) + 8); break;
      case 0x0a: case 0x0b: case 0x0c: this.feed(); break;
      case 0x0d: this.x = 0; this.wrapNext = false; break;
      case 0x0e: this.shift = 1; break;
      case 0x0f: this.shift = 0; break;
      case 0x18: case 0x1a: this.state = "ground"; break;
      case 0x1b:
        if (this.state === "text") this.isEnding = true;
        else this.state = "escape";
        break;
    }
    this.isMoved = true;
  }

  put(c) {
    if (this.wrapNext && this.modes.wrap) {
      this.x = 0;
      this.feed();
    }
    this.wrapNext = false;
    const lines = "◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·";
    if (this.drawing[this.shift] && c >= "`" && c <= "~") c = lines[c.charCodeAt(0) - 0x60];
    const line = this.lines[this.y];
    if (this.modes.insert) {
      line.splice(this.x, 0, null);
      line.length = this.cols;
    }
    // What stands on a letter belongs to its cell.
    if (/^\p{M}$/u.test(c)) {
      const cell = line[Math.max(0, this.x - 1)];
      if (cell.c.length < 8) cell.c += c;
    } else {
      line[this.x] = { c, s: this.classes() };
      if (this.x === this.cols - 1) this.wrapNext = true;
      else this.x += 1;
    }
    this.dirty.add(this.y);
    this.isMoved = true;
  }

  classes() {
    const s = this.style;
    let names = "";
    const [fg, bg] = s.inverse ? [s.bg ?? "i", s.fg ?? "i"] : [s.fg, s.bg];
    if (fg !== undefined) names += ` f${fg}`;
    if (bg !== undefined) names += ` b${bg}`;
    if (s.bold) names += " bold";
    if (s.under) names += " under";
    return names.trim();
  }

  feed() {
    this.wrapNext = false;
    if (this.y === this.bottom) this.scroll(1);
    else if (this.y < this.rows - 1) this.y += 1;
  }

  /** Up by `count`, within the region; down when it is negative. */
  scroll(count, from = this.top) {
    for (let i = 0; i < Math.min(Math.abs(count), this.rows); i++) {
      if (count > 0) {
        const gone = this.lines.splice(from, 1)[0];
        if (from === 0 && !this.other && this.bottom === this.rows - 1) this.remember(gone);
        this.lines.splice(this.bottom, 0, this.line());
      } else {
        this.lines.splice(this.bottom, 1);
        this.lines.splice(from, 0, this.line());
      }
    }
    for (let y = from; y <= this.bottom; y++) this.dirty.add(y);
  }

  escape(c) {
    this.state = "ground";
    switch (c) {
      case "[": this.state = "csi"; this.given = ""; break;
      case "]": case "P": case "X": case "^": case "_": this.state = "text"; this.isEnding = false; break;
      case "(": case ")": this.state = "charset"; this.slot = c === "(" ? 0 : 1; break;
      case "*": case "+": case "#": case "%": case " ": this.state = "skip"; break;
      case "7": this.save(); break;
      case "8": this.restore(); break;
      case "D": this.feed(); break;
      case "E": this.x = 0; this.feed(); break;
      case "M":
        this.wrapNext = false;
        if (this.y === this.top) this.scroll(-1);
        else if (this.y > 0) this.y -= 1;
        break;
      case "c": this.reset(); break;
    }
    this.isMoved = true;
  }

  save() {
    this.saved = { x: this.x, y: this.y, style: { ...this.style }, drawing: [...this.drawing], shift: this.shift };
  }

  restore() {
    const saved = this.saved || { x: 0, y: 0, style: {}, drawing: [false, false], shift: 0 };
    this.x = Math.min(saved.x, this.cols - 1);
    this.y = Math.min(saved.y, this.rows - 1);
    this.style = { ...saved.style };
    this.drawing = [...saved.drawing];
    this.shift = saved.shift;
    this.wrapNext = false;
  }

  sequence(final, given) {
    const isPrivate = given.startsWith("?");
    if (/^[>=!]/.test(given) || /[ "'$]$/.test(given)) return;
    const numbers = given.replace("?", "").split(/[;:]/).map((text) => Math.min(parseInt(text, 10) || 0, 10000));
    const n = Math.max(1, numbers[0]);
    const line = this.lines[this.y];
    const move = (x, y) => {
      this.x = Math.min(Math.max(x, 0), this.cols - 1);
      this.y = Math.min(Math.max(y, 0), this.rows - 1);
      this.wrapNext = false;
    };
    const clear = (y, from, to) => {
      for (let x = from; x < to; x++) this.lines[y][x] = { c: " ", s: this.style.bg === undefined ? "" : `b${this.style.bg}` };
      this.dirty.add(y);
    };
    this.isMoved = true;
    switch (final) {
      case "A": return move(this.x, Math.max(this.y - n, this.y >= this.top ? this.top : 0));
      case "B": case "e": return move(this.x, Math.min(this.y + n, this.y <= this.bottom ? this.bottom : this.rows - 1));
      case "C": case "a": return move(this.x + n, this.y);
      case "D": return move(this.x - n, this.y);
      case "E": return move(0, this.y + n);
      case "F": return move(0, this.y - n);
      case "G": case "`": return move(n - 1, this.y);
      case "d": return move(this.x, n - 1);
      case "H": case "f": return move(Math.max(1, numbers[1] || 1) - 1, n - 1);
      case "J":
        if (numbers[0] === 0) {
          clear(this.y, this.x, this.cols);
          for (let y = this.y + 1; y < this.rows; y++) clear(y, 0, this.cols);
        } else if (numbers[0] === 1) {
          for (let y = 0; y < this.y; y++) clear(y, 0, this.cols);
          clear(this.y, 0, this.x + 1);
        } else {
          for (let y = 0; y < this.rows; y++) clear(y, 0, this.cols);
          if (numbers[0] === 3) this.history.length = 0;
        }
        return;
      case "K":
        return clear(this.y, numbers[0] === 0 ? this.x : 0, numbers[0] === 1 ? this.x + 1 : this.cols);
      case "L": case "M":
        if (this.y >= this.top && this.y <= this.bottom) {
          const isTop = this.top;
          this.top = this.y;
          for (let i = 0; i < Math.min(n, this.rows); i++) {
            if (final === "L") {
              this.lines.splice(this.bottom, 1);
              this.lines.splice(this.y, 0, this.line());
            } else {
              this.lines.splice(this.y, 1);
              this.lines.splice(this.bottom, 0, this.line());
            }
          }
          this.top = isTop;
          for (let y = this.y; y <= this.bottom; y++) this.dirty.add(y);
        }
        return;
      case "P":
        line.splice(this.x, n);
        while (line.length < this.cols) line.push({ c: " ", s: "" });
        this.dirty.add(this.y);
        return;
      case "@":
        for (let i = 0; i < Math.min(n, this.cols); i++) line.splice(this.x, 0, { c: " ", s: "" });
        line.length = this.cols;
        this.dirty.add(this.y);
        return;
      case "X": return clear(this.y, this.x, Math.min(this.cols, this.x + n));
      case "S": return this.scroll(n);
      case "T": return this.scroll(-n);
      case "r": {
        const [top, bottom] = [n - 1, (numbers[1] || this.rows) - 1];
        if (top < bottom && bottom < this.rows) [this.top, this.bottom] = [top, bottom];
        return move(0, 0);
      }
      case "s": return this.save();
      case "u": return this.restore();
      case "m": return this.paint(numbers);
      case "h": case "l": for (const number of numbers) this.mode(isPrivate, number, final === "h"); return;
      case "n":
        if (numbers[0] === 6) this.reply(`\x1b[${this.y + 1};${this.x + 1}R`);
        else if (numbers[0] === 5) this.reply("\x1b[0n");
        return;
      case "c": return this.reply("\x1b[?1;2c");
    }
  }

  mode(isPrivate, number, isOn) {
    if (!isPrivate) {
      if (number === 4) this.modes.insert = isOn;
      return;
    }
    switch (number) {
      case 1: this.modes.keys = isOn; break;
      case 7: this.modes.wrap = isOn; break;
      case 25: this.modes.cursor = isOn; break;
      case 2004: this.modes.paste = isOn; break;
      case 47: case 1047: case 1049:
        if (isOn === Boolean(this.other)) break;
        if (isOn) {
          if (number === 1049) this.save();
          [this.other, this.lines] = [this.lines, this.blank(this.rows)];
        } else {
          [this.lines, this.other] = [this.other, null];
          if (number === 1049) this.restore();
        }
        this.touchAll();
    }
  }

  paint(numbers) {
    for (let i = 0; i < numbers.length; i++) {
      const n = numbers[i];
      const s = this.style;
      if (n === 0) this.style = {};
      else if (n === 1) s.bold = true;
      else if (n === 4) s.under = true;
      else if (n === 7) s.inverse = true;
      else if (n === 22) delete s.bold;
      else if (n === 24) delete s.under;
      else if (n === 27) delete s.inverse;
      else if (n >= 30 && n <= 37) s.fg = n - 30;
      else if (n >= 40 && n <= 47) s.bg = n - 40;
      else if (n >= 90 && n <= 97) s.fg = n - 82;
      else if (n >= 100 && n <= 107) s.bg = n - 92;
      else if (n === 39) delete s.fg;
      else if (n === 49) delete s.bg;
      else if (n === 38 || n === 48) {
        let color;
        if (numbers[i + 1] === 5) {
          color = Screen.nearest(numbers[i + 2] || 0);
          i += 2;
        } else if (numbers[i + 1] === 2) {
          color = Screen.ofRGB(numbers.slice(i + 2, i + 5));
          i += 4;
        }
        if (color !== undefined) s[n === 38 ? "fg" : "bg"] = color;
      }
    }
  }

  /** Of 256 colours, one of the sixteen. */
  static nearest(n) {
    if (n < 16) return n;
    if (n >= 232) return n < 238 ? 0 : n < 244 ? 8 : n < 250 ? 7 : 15;
    n -= 16;
    return Screen.ofRGB([Math.floor(n / 36), Math.floor(n / 6) % 6, n % 6].map((level) => level * 51));
  }

  static ofRGB([r = 0, g = 0, b = 0]) {
    const most = Math.max(r, g, b);
    if (most < 48) return 0;
    const bit = (value) => (value * 2 > most ? 1 : 0);
    const color = bit(r) + 2 * bit(g) + 4 * bit(b);
    return most > 170 ? color + 8 : color;
  }

  /** A row as text, for tests and for those who read it aloud. */
  text(y) {
    return this.lines[y].map((cell) => cell.c).join("").trimEnd();
  }
}

/** What a key sends; null: the browser's own. */
function bytesOf(event, modes) {
  const key = event.key;
  if (event.metaKey) return null;
  if (event.ctrlKey && event.shiftKey && /^[cv]$/i.test(key)) return null;
  const arrows = { ArrowUp: "A", ArrowDown: "B", ArrowRight: "C", ArrowLeft: "D", Home: "H", End: "F" };
  if (arrows[key]) return `\x1b${modes.keys ? "O" : "["}${arrows[key]}`;
  const named = {
    Enter: "\r", Backspace: "\x7f", Tab: "\t", Escape: "\x1b", Insert: "\x1b[2~", Delete: "\x1b[3~", PageUp: "\x1b[5~",
    PageDown: "\x1b[6~", F1: "\x1bOP", F2: "\x1bOQ", F3: "\x1bOR", F4: "\x1bOS", F5: "\x1b[15~", F6: "\x1b[17~",
    F7: "\x1b[18~", F8: "\x1b[19~", F9: "\x1b[20~", F10: "\x1b[21~", F11: "\x1b[23~", F12: "\x1b[24~",
  };
  if (key === "Tab" && event.shiftKey) return "\x1b[Z";
  if (named[key]) return named[key];
  if (key.length !== 1 && [...key].length !== 1) return null;
  if (event.ctrlKey && !event.altKey) {
    const code = key.toUpperCase().charCodeAt(0);
    if (key === " ") return "\0";
    return code >= 0x40 && code < 0x60 ? String.fromCharCode(code & 0x1f) : null;
  }
  return (event.altKey && !event.ctrlKey ? "\x1b" : "") + key;
}

/** The page. */
class TerminalView {
  constructor(element) {
    this.element = element;
    this.rowsElement = element.querySelector(".rows");
    this.status = document.getElementById("console-status");
    this.encoder = new TextEncoder();
    this.screen = new Screen(24, 80, (text) => this.send(text));
    element.addEventListener("keydown", (event) => {
      // Two presses of Escape leave the terminal, for those who have no other way out of it.
      if (event.key === "Tab" && this.wasEscape) return;
      this.wasEscape = event.key === "Escape";
      const text = bytesOf(event, this.screen.modes);
      if (text === null) return;
      event.preventDefault();
      this.send(text);
      element.scrollTop = element.scrollHeight;
    });
    element.addEventListener("paste", (event) => {
      event.preventDefault();
      const text = event.clipboardData.getData("text").replace(/\r?\n/g, "\r");
      this.send(this.screen.modes.paste ? `\x1b[200~${text}\x1b[201~` : text);
    });
    document.getElementById("console-again")?.addEventListener("click", () => this.open(""));
    document.getElementById("console-take")?.addEventListener("click", () => this.open("&take=true"));
    // A window that is being drawn larger has many sizes, and one that is being photographed has none for a moment.
    new ResizeObserver(() => {
      clearTimeout(this.fitting);
      this.fitting = setTimeout(() => this.fit(), 150);
    }).observe(element);
    this.open("");
  }

  open(more) {
    this.socket?.close();
    this.screen.reset();
    this.screen.decoder = new TextDecoder();
    this.screen.history.length = 0;
    this.rowsElement.replaceChildren();
    this.rowElements = [];
    const size = this.measure();
    this.screen.resize(size.rows, size.cols);
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const query = `?rows=${size.rows}&cols=${size.cols}&term=xterm-256color${more}`;
    const socket = new WebSocket(`${scheme}//${location.host}${this.element.dataset.socket}${query}`);
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    this.say("connecting");
    socket.onopen = () => { this.say("connected"); this.element.focus(); };
    socket.onmessage = (event) => {
      this.screen.write(new Uint8Array(event.data));
      this.draw();
    };
    socket.onclose = (event) => {
      if (this.socket !== socket) return;
      this.say(event.reason || (event.code === 1000 ? "you have left" : "the console cannot be reached now"));
    };
    this.draw();
  }

  say(text) {
    this.status.textContent = text;
    this.element.dataset.state = text;
  }

  send(text) {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    const bytes = this.encoder.encode(text);
    for (let i = 0; i < bytes.length; i += 16384) this.socket.send(bytes.subarray(i, i + 16384));
  }

  measure() {
    const probe = document.createElement("span");
    probe.textContent = "M".repeat(10);
    this.rowsElement.append(probe);
    const box = probe.getBoundingClientRect();
    const style = getComputedStyle(this.element);
    const inner = (side, all) => all - parseFloat(style[`padding${side[0]}`]) - parseFloat(style[`padding${side[1]}`]);
    const width = inner(["Left", "Right"], this.element.clientWidth);
    const height = inner(["Top", "Bottom"], this.element.clientHeight);
    probe.remove();
    const within = (value) => Math.min(500, Math.max(2, Math.floor(value)));
    this.lineHeight = parseFloat(style.lineHeight) || box.height;
    return { rows: within(height / this.lineHeight), cols: within(width / (box.width / 10 || 8)) };
  }

  fit() {
    if (!this.element.clientWidth || !this.element.clientHeight) return;
    const size = this.measure();
    if (size.rows === this.screen.rows && size.cols === this.screen.cols) return;
    this.screen.resize(size.rows, size.cols);
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(size));
    this.draw();
  }

  draw() {
    if (this.isDrawing) return;
    this.isDrawing = true;
    requestAnimationFrame(() => {
      this.isDrawing = false;
      this.render();
    });
  }

  render() {
    const { screen, element } = this;
    const isAtEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - this.lineHeight * 2;
    // What has left the screen stays above it.
    for (const line of screen.history.slice(screen.history.length - Math.min(screen.added || 0, screen.history.length))) {
      this.rowsElement.insertBefore(this.row(line, -1), this.rowElements[0] || null);
    }
    screen.added = 0;
    while (this.rowsElement.childElementCount - this.rowElements.length > 2000) this.rowsElement.firstElementChild.remove();
    while (this.rowElements.length > screen.rows) this.rowElements.pop().remove();
    if (this.cursorRow !== undefined) screen.dirty.add(this.cursorRow);
    screen.dirty.add(screen.y);
    for (let y = 0; y < screen.rows; y++) {
      if (this.rowElements[y] && !screen.dirty.has(y)) continue;
      const row = this.row(screen.lines[y], y === screen.y && screen.modes.cursor ? screen.x : -1);
      if (this.rowElements[y]) this.rowElements[y].replaceWith(row);
      else this.rowsElement.append(row);
      this.rowElements[y] = row;
    }
    this.cursorRow = screen.y;
    screen.dirty.clear();
    if (isAtEnd) element.scrollTop = element.scrollHeight;
  }

  row(line, cursor) {
    const row = document.createElement("div");
    let run = null;
    line.forEach((cell, x) => {
      const style = x === cursor ? `${cell.s} cursor`.trim() : cell.s;
      if (!run || run.style !== style) {
        run = { style, span: document.createElement("span"), text: "" };
        if (style) run.span.className = style;
        row.append(run.span);
      }
      run.text += cell.c;
      run.span.textContent = run.text;
    });
    return row;
  }
}

if (typeof document !== "undefined") {
  const element = document.getElementById("terminal");
  if (element) window.toprackTerminal = new TerminalView(element);
} else {
  module.exports = { Screen, bytesOf };
}
