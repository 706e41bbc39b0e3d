"""What the collector asks of the partitions for a report. Pure."""

from streamproc.report.messages import Order
from streamproc.report.record import Report


def order_for(report: Report) -> Order:
    """The order for a report's rows, or for a survey as long as that has to be first.

    A period is named as it was asked for until it is known which dates it has.
    """
    return Order(
        report.report_id,
        report.kind,
        report.attempt,
        report.as_of_us,
        report.store_id,
        report.as_polled,
        report.told or report.period,
        report.by,
        report.zone,
        report.where,
        report.first_us,
        report.whole_us,
    )
