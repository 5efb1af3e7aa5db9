"""The tables. What changes rows: the services, projection/, shown_status.py, jobs/leases.py."""

from provisioning.models.activations import Activation, Mail, MailboxMessage
from provisioning.models.exports import Export, Heartbeat
from provisioning.models.jobs import Job, JobBatch, JobEvent, JobQuerySet
from provisioning.models.lists import UserCount, UserText
from provisioning.models.subscribers import Cause, StatusEvent, Subscriber, SubscriberQuerySet

__all__ = [
    "Activation",
    "Cause",
    "Export",
    "Heartbeat",
    "Job",
    "JobBatch",
    "JobEvent",
    "JobQuerySet",
    "Mail",
    "MailboxMessage",
    "StatusEvent",
    "Subscriber",
    "SubscriberQuerySet",
    "UserCount",
    "UserText",
]
