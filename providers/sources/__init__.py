"""Sources of events beside DynamoDB's streams: all of them put the same events on the queue."""
