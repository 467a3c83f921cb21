"""What all lists do alike: order, pages, columns, and answers in bounded memory."""
