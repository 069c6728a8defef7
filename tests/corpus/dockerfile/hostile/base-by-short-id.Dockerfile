FROM deadbeefcafe
