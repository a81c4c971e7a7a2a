//! Going on with a session that was interrupted.
//!
//! Joins the session, what is on disk, the settings and the clock to a report, and takes the step that the report says, on the
//! very text that it was made of. What the step is decides `maestro_resume`.

use maestro_archive::{begins_archiving, begins_restoring};
use maestro_resume::{Conflict, Refusal, ResumeReport, ResumeSettings, Step, report};
use maestro_session_model::{Command, PhaseId, Rules, Session, SessionId, listed};
use maestro_state_store::LockedStore;
use maestro_state_store::journal::Newest;

use crate::change::{Changed, MAX_ATTEMPTS, Opened, changed};
use crate::error::SessionError;
use crate::workspace::Workspace;

/// What a report says of a session whose archiving has begun and not come to its end. Whoever began it may be at work still.
const ARCHIVING_BEGUN: &str = "the archiving of this session was begun and has not come to its end; the next command that changes \
    something finishes it, or takes it back for an edit that came first";

/// What the user has agreed to before the step is taken.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Consent {
    /// Whether the brief of an express session is approved.
    pub brief: bool,
    /// Which conflicts do not stand in the way.
    pub conflicts: AcceptedConflicts,
}

/// The conflicts that the user knows of and goes on despite them.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum AcceptedConflicts {
    /// None.
    #[default]
    None,
    /// These, which were shown. If there are others by now, the user has to be asked again.
    These(Vec<Conflict>),
    /// Whatever there are.
    All,
}

/// A session that goes on.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Resumed {
    /// The report by which the step was taken.
    pub report: ResumeReport,
    /// What was recorded, one operation for each phase.
    pub recorded: Vec<Changed>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl Resumed {
    /// Returns the phases that agents are at work on now.
    pub fn phases(&self) -> Vec<PhaseId> {
        let phases = self.recorded.iter().filter_map(|changed| changed.phase.as_ref());
        phases.map(|phase| phase.id.clone()).collect()
    }
}

impl Workspace {
    /// Reports on going on with the active session; nothing if there is none.
    ///
    /// `progress` is told how many of how many files have been compared. Takes no lock and changes nothing.
    pub fn resume_report(
        &self,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Option<ResumeReport>, SessionError> {
        let document = self.read()?;
        document.map(|document| self.report_on(document.session(), progress)).transpose()
    }

    /// Takes the step that the report on the active session says, if it is one on phases: they begin, or are given out
    /// again, all of a batch, each by an operation of its own.
    ///
    /// The report is made again, and if someone changes the session before the lock is had, once more: the step that is
    /// taken is always that of the session as it is. Nothing happens where the user has to choose first, or has not agreed.
    /// Files are compared before the lock is taken, so that nobody waits for that.
    pub fn resume(
        &self,
        consent: &Consent,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Resumed, SessionError> {
        let mut notes = Vec::new();
        for _ in 0..MAX_ATTEMPTS {
            let Some(seen) = self.read()? else {
                // Why there is no file, or nothing if there is one by now.
                let opened = self.open_or_refuse(&mut self.lock()?);
                notes.extend(opened.map_err(|error| error.noting(notes.clone()))?.notes);
                continue;
            };
            if self
                .newest_of(&seen.session().session_id)
                .is_some_and(|newest| begins_restoring(&newest) || begins_archiving(&newest))
            {
                // Files are compared with where they are to be, and what goes to the archive does not go on.
                notes.extend(self.finish_archiving(&mut self.lock()?)?);
                continue;
            }
            let report = self.report_on(seen.session(), progress)?;
            if let Err(refusal) = refuse(&report, consent) {
                // What was compared while the session changed says nothing.
                let is_still = self.read()?.is_some_and(|now| now.text() == seen.text());
                if is_still {
                    return Err(SessionError::from(refusal).noting(notes));
                }
                tell_of_change(&mut notes);
                continue;
            }
            let mut locked = self.lock()?;
            let opened = match self.open_or_refuse(&mut locked) {
                Ok(opened) => opened,
                Err(error) => return Err(error.noting(notes)),
            };
            notes.extend(opened.notes.iter().cloned());
            if opened.document.text() != seen.text() {
                tell_of_change(&mut notes);
                continue;
            }
            let mut taken = Taken::default();
            match self.take_step(&mut locked, opened, &report.orders(), &mut taken) {
                Ok(()) if taken.recorded.is_empty() => tell_of_change(&mut notes),
                Ok(()) => {
                    notes.extend(taken.warnings);
                    return Ok(Resumed { report, recorded: taken.recorded, warnings: notes });
                }
                Err(error) => {
                    notes.extend(taken.recorded.iter().filter_map(recorded_note));
                    return Err(error.noting(notes));
                }
            }
        }
        Err(self.contended().noting(notes))
    }

    /// The newest operation of a session, as far as its journal can be read.
    fn newest_of(&self, id: &SessionId) -> Option<Newest> {
        let newest_only = self.store.recent_history(id, &|_| false).ok()??;
        newest_only.operations().last().cloned()
    }

    fn report_on(
        &self,
        session: &Session,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<ResumeReport, SessionError> {
        let mut conflicts = self.conflicts_of(session, progress)?;
        let newest = self.newest_of(&session.session_id);
        if let Some(newest) = &newest {
            // They are on their way.
            let moved = self.moved_documents(newest)?;
            let is_coming_back = begins_restoring(newest);
            conflicts.retain(|conflict| match conflict {
                Conflict::DocumentMissing { path, .. } => {
                    !is_coming_back && !self.is_among(path, &moved)
                }
                _ => true,
            });
        }
        let settings = ResumeSettings {
            rules: Rules {
                max_retries: self.settings.max_retries.value,
                max_concurrent: self.settings.max_concurrent.value,
                plan: self.rules_without_roster(),
            },
            auto_archive: self.settings.auto_archive.value,
        };
        let mut report = report(session, conflicts, &settings, self.env.now());
        if newest.is_some_and(|newest| begins_archiving(&newest)) {
            report.notes.push(ARCHIVING_BEGUN.to_owned());
        }
        Ok(report)
    }

    /// Carries out the orders one after the other. Nothing is taken if someone edits the file before the first of them is
    /// recorded; after that, the rest is decided again on the edit.
    fn take_step(
        &self,
        locked: &mut LockedStore<'_>,
        opened: Opened,
        orders: &[Command],
        taken: &mut Taken,
    ) -> Result<(), SessionError> {
        let origin = self.own();
        let slots = self.settings.max_concurrent.value;
        let mut opened = Some(opened);
        let mut attempts = 0;
        let mut orders = orders.iter().peekable();
        while let Some(order) = orders.peek() {
            attempts += 1;
            if MAX_ATTEMPTS as usize + taken.recorded.len() < attempts {
                return Err(self.contended());
            }
            let Opened { current, document, .. } = if let Some(opened) = opened.take() {
                opened
            } else {
                let opened = self.open_or_refuse(locked)?;
                taken.warnings.extend(opened.notes.iter().cloned());
                opened
            };
            match self.carry_out(locked, current.clone(), &document, order, &origin) {
                Ok(Some(carried)) => {
                    let sessions = (document.session(), carried.document.session());
                    taken.recorded.push(changed(
                        carried.operation,
                        order,
                        sessions,
                        slots,
                        carried.warnings,
                    ));
                    // What is unfinished is finished by opening the session again.
                    if carried.unfinished.is_none() {
                        let (current, document) = (carried.current, carried.document);
                        opened = Some(Opened { current, document, notes: Vec::new() });
                    }
                    orders.next();
                }
                Ok(None) if taken.recorded.is_empty() => return Ok(()),
                Ok(None) => {}
                Err(SessionError::Command(error)) if !taken.recorded.is_empty() => {
                    taken.warnings.push(format!(
                        "the session was edited meanwhile, and the rest of the step is not possible any more: {error}"
                    ));
                    opened = Some(Opened { current, document, notes: Vec::new() });
                    orders.next();
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// What has been recorded of a step so far.
#[derive(Default)]
struct Taken {
    recorded: Vec<Changed>,
    warnings: Vec<String>,
}

/// Notes that the report was made anew, once.
fn tell_of_change(notes: &mut Vec<String>) {
    let note = "the session changed meanwhile; the step is that of the session as it is now";
    if !notes.iter().any(|told| told == note) {
        notes.push(note.to_owned());
    }
}

fn recorded_note(changed: &Changed) -> Option<String> {
    let phase = &changed.phase.as_ref()?.id;
    Some(format!("before that, phase {phase} came to be in progress; this is recorded"))
}

/// Returns why the step of the report is not taken.
fn refuse(report: &ResumeReport, consent: &Consent) -> Result<(), ResumeError> {
    match &report.next.step {
        Step::Choose { phases } => {
            return Err(ResumeError::ChoiceRequired { phases: phases.clone() });
        }
        Step::Stuck { obstacles } => {
            return Err(ResumeError::Stuck { obstacles: obstacles.clone() });
        }
        _ if !report.next.applies => {
            let commands = report.next.commands.iter().map(|command| command.shell.clone());
            return Err(ResumeError::NothingToApply {
                means: report.next.means.clone(),
                commands: commands.collect(),
            });
        }
        _ => {}
    }
    let mut open = report.conflicts_to_confirm();
    let is_known = match &consent.conflicts {
        AcceptedConflicts::None => open.next().is_none(),
        AcceptedConflicts::These(these) => {
            // Both have the order of reports.
            let mut these = these.iter();
            open.all(|conflict| these.any(|known| known == conflict))
        }
        AcceptedConflicts::All => true,
    };
    if !is_known {
        return Err(ResumeError::ConflictsFound { report: Box::new(report.clone()) });
    }
    if matches!(report.next.step, Step::Approve { .. }) && !consent.brief {
        return Err(ResumeError::ApprovalRequired { report: Box::new(report.clone()) });
    }
    Ok(())
}

/// Why a session does not go on. Nothing has changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResumeError {
    /// Phases failed, and the user chooses what becomes of them.
    #[error("{} failed, and the user chooses first what becomes of {}", named(phases), if phases.len() == 1 { "it" } else { "them" })]
    ChoiceRequired {
        /// The phases.
        phases: Vec<PhaseId>,
    },
    /// There are conflicts that the user has to know of first.
    #[error("there {} to be shown to the user first", conflicts(report))]
    ConflictsFound {
        /// The report, with the conflicts.
        report: Box<ResumeReport>,
    },
    /// The user has not approved the brief of an express session.
    #[error("the user has to approve the brief first")]
    ApprovalRequired {
        /// The report, with what the brief is about.
        report: Box<ResumeReport>,
    },
    /// The next step is none on phases.
    #[error("there is no phase to go on with: {means}")]
    NothingToApply {
        /// What the next step is.
        means: String,
        /// The commands that take it.
        commands: Vec<String>,
    },
    /// Nothing can be done as things stand.
    #[error("no phase can go on: {}", obstacles.first().map_or("nothing is left", |first| first.message.as_str()))]
    Stuck {
        /// What is in the way.
        obstacles: Vec<Refusal>,
    },
}

impl ResumeError {
    /// Returns the stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ChoiceRequired { .. } => "CHOICE_REQUIRED",
            Self::ConflictsFound { .. } => "CONFLICTS_FOUND",
            Self::ApprovalRequired { .. } => "APPROVAL_REQUIRED",
            Self::NothingToApply { .. } => "NOTHING_TO_APPLY",
            Self::Stuck { .. } => "SESSION_STUCK",
        }
    }

    /// Returns what to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::ChoiceRequired { .. } => {
                "`maestro resume` shows what went wrong, and the commands for retry, skip, abort and adjust".to_owned()
            }
            Self::ConflictsFound { .. } => {
                "`maestro resume` shows them; if the user goes on all the same: `maestro resume --apply \
                 --despite-conflicts`"
                    .to_owned()
            }
            Self::ApprovalRequired { .. } => {
                "`maestro resume` shows what it is about; once it is approved: `maestro resume --apply --approved`"
                    .to_owned()
            }
            Self::NothingToApply { commands, .. } => {
                const SHOWN: usize = 3;
                let commands: Vec<String> =
                    commands.iter().map(|command| format!("`{command}`")).collect();
                listed(&commands, SHOWN, ", then ")
            }
            Self::Stuck { obstacles } => match obstacles.first() {
                Some(first) => first.hint.clone(),
                None => "`maestro doctor` checks the session".to_owned(),
            },
        }
    }
}

fn named(phases: &[PhaseId]) -> String {
    const SHOWN: usize = 8;
    let noun = if phases.len() == 1 { "phase" } else { "phases" };
    format!("{noun} {}", listed(phases, SHOWN, ", "))
}

fn conflicts(report: &ResumeReport) -> String {
    match report.conflicts_to_confirm().count() {
        1 => "is a conflict".to_owned(),
        n => format!("are {n} conflicts"),
    }
}
