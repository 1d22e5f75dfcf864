const PREFIX = "contest:";

/** Reports that could not be saved, kept in this browser: by person and by the identifier of the report. */
export function keptReports(person) {
  const key = (uuid) => `${PREFIX}${person}:${uuid}`;
  return {
    keep(uuid, report) {
      try {
        localStorage.setItem(key(uuid), JSON.stringify({ ...report, uuid, at: Date.now() }));
        return true;
      } catch {
        return false; // full, or refused by the browser: the page still holds what was typed
      }
    },
    forget: (uuid) => localStorage.removeItem(key(uuid)),
    /** The latest one of this person, with `uuid` first where it is kept. */
    find(uuid) {
      const mine = Object.keys(localStorage).filter((name) => name.startsWith(`${PREFIX}${person}:`));
      const reports = mine.map((name) => read(name)).filter(Boolean);
      return reports.find((report) => report.uuid === uuid) ?? reports.sort((one, other) => other.at - one.at)[0] ?? null;
    },
  };
}

function read(name) {
  try {
    return JSON.parse(localStorage.getItem(name));
  } catch {
    return null;
  }
}
