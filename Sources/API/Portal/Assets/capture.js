// The list of frames that grows while one looks, on the page of captures.
'use strict';

{
  const table = document.getElementById('capture');
  const state = document.getElementById('capture-state');
  const body = table.tBodies[0];
  // Rows that are kept.
  const limit = 200;
  let count = 0, drops = 0, missed = 0, frames = null;

  const cell = (text, label) => {
    const cell = document.createElement('td');
    cell.className = 'mono';
    if (label) cell.dataset.label = label;
    cell.textContent = text;
    return cell;
  };

  const show = (frame) => {
    if (frame.skipped || frame.lost) {
      missed += frame.skipped || frame.lost;
      return;
    }
    count += 1;
    const row = document.createElement('tr');
    if (frame.reason) drops += 1;
    const direction = cell(frame.reason ? `drop(${frame.reason})` : frame.direction, 'Direction');
    if (frame.reason) direction.classList.add('loss');
    const time = new Date(frame.time.slice(0, 23) + 'Z').toTimeString().slice(0, 8) + frame.time.slice(19, 26);
    const text = frame.summary + (frame.remark ? ` [${frame.remark}]` : '');
    row.append(cell(time), cell(`${frame.server}/${frame.nic}`, 'Port'), direction, cell(text, 'Frame'));
    body.prepend(row);
    while (body.rows.length > limit) body.lastElementChild.remove();
  };

  const say = () => {
    state.textContent = `${count} frames, ${drops} of them dropped`
      + (missed ? `; ${missed} more came too fast to be shown` : '') + '. The newest is above.';
  };

  // A page that nobody sees captures nothing.
  const follow = () => {
    if (document.hidden) {
      frames?.close();
      frames = null;
    } else if (!frames) {
      frames = new EventSource(table.dataset.liveFrames);
      frames.onmessage = (event) => { show(JSON.parse(event.data)); say(); };
      frames.onerror = () => {
        if (frames?.readyState === EventSource.CLOSED) state.textContent = 'The capture ended, or was refused: too many run.';
      };
    }
  };
  document.addEventListener('visibilitychange', follow);
  addEventListener('pagehide', () => { frames?.close(); frames = null; });
  follow();
}
